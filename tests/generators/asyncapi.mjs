// Parse an AsyncAPI document with the official parser, and print what it finds, as JSON.
import { fromFile, Parser } from '@asyncapi/parser'

const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse()
const errors = diagnostics
  .filter((each) => each.severity === 0)
  .map((each) => `${each.path.join('.')}: ${each.message}`)
const messages = document ? document.allMessages().map((each) => each.id()) : []
console.log(JSON.stringify({ errors, messages }))
