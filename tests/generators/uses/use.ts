// What a program in TypeScript does with the types that openapi-typescript makes.
import createClient from 'openapi-fetch'
import type { components, paths } from './made.js'

const client = createClient<paths>({ baseUrl: 'https://assent.example' })
const { data, error } = await client.GET('/api/v1/requests', { params: { query: { limit: 10 } } })
const next: string | null | undefined = data?.next
const submittedAt: number | undefined = data?.requests[0]?.submitted_at
const following: components['schemas']['SubmissionProof']['following'] = null
console.log(next, submittedAt, following, error?.code)
