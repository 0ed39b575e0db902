// A real OpenID provider for tests, which misbehaves when it is told to: node provider.mjs PORT CALLBACK
//
// POST /_test/rotate keep=yes|no   signs with a new key; the old one stays published, or is withdrawn
// GET  /_test/key                  the private key that it signs with now, to make tokens that it never would
// POST /_test/next id_token=...    the next token response carries this id_token
// GET  /_test/seen                 the parameters of the token requests so far, and how often keys were fetched
import { Provider } from 'oidc-provider';
import { generateKeyPair, exportJWK } from 'jose';
import { randomUUID } from 'node:crypto';
import http from 'node:http';

const [port, callback] = [Number(process.argv[2]), process.argv[3]];
const issuer = `http://localhost:${port}`;
const home = new URL('/', callback).href;
const people = ['alice', 'bob', 'erin', 'mallory', 'device-config'];
const seen = { tokens: [], keys: 0 };
let next = null;

const newKey = async () => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: randomUUID(), use: 'sig', alg: 'RS256' };
};
const machine = (client_id) => ({
  client_id, client_secret: `${client_id}-secret`, grant_types: ['client_credentials'], response_types: [],
  redirect_uris: [],
});
const build = (keys) => {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [
      { client_id: 'console', token_endpoint_auth_method: 'none', grant_types: ['authorization_code'],
        redirect_uris: [callback], post_logout_redirect_uris: [home] },
      machine('device-config'), machine('alice'), machine('nobody'),
    ],
    pkce: { required: () => true },
    cookies: { keys: ['test-only'] },
    claims: { openid: ['sub'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_ctx, resource) => (
          { scope: 'api', audience: resource.replace('urn:', ''), accessTokenFormat: 'jwt', accessTokenTTL: 300 }),
      },
    },
    ttl: { AccessToken: 300, IdToken: 300, Grant: 3600, Session: 3600, Interaction: 600, ClientCredentials: 300 },
    findAccount: (_ctx, id) => people.includes(id) && { accountId: id, claims: () => ({ sub: id }) },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  });
  provider.use(async (ctx, go) => {
    await go();
    if (ctx.path === '/jwks') seen.keys += 1;
    if (ctx.path !== '/token') return;
    seen.tokens.push({ ...ctx.oidc?.params, status: ctx.status });
    if (ctx.status === 200 && next !== null) {
      ctx.body = { ...ctx.body, id_token: next };
      next = null;
    }
  });
  return provider;
};

let keys = [await newKey()], provider = build(keys);
const form = (request) => new Promise((done) => {
  let body = '';
  request.on('data', (piece) => (body += piece));
  request.on('end', () => done(new URLSearchParams(body)));
});
const json = (response, value) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
};
const control = async (what, request, response) => {
  if (what === 'key') return json(response, keys[0]);
  if (what === 'seen') return json(response, seen);
  const fields = await form(request);
  if (what === 'next') next = fields.get('id_token');
  if (what === 'rotate') {
    keys = [await newKey(), ...(fields.get('keep') === 'yes' ? keys : [])];
    provider = build(keys);
  }
  return json(response, {});
};
const interact = async (uid, request, response) => {
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name === 'consent') {
    const { missingOIDCScope, missingOIDCClaims } = details.prompt.details;
    const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  }
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(`<!doctype html><html lang="en"><title>Sign in</title><form method="post"
      action="/interaction/${uid}"><input name="username"><input name="password" type="password">
      <button>Sign in</button></form></html>`);
  }
  const fields = await form(request), name = fields.get('username');
  if (fields.get('password') === '') {
    const refused = { error: 'access_denied', error_description: '<script>alert(1)</script>' };
    return provider.interactionFinished(request, response, refused, { mergeWithLastSubmission: false });
  }
  if (!people.includes(name) || fields.get('password') !== `${name}-password`) {
    response.statusCode = 401;
    return response.end('Wrong name or password');
  }
  const login = { accountId: name };
  return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
};

http.createServer(async (request, response) => {
  try {
    const [, where, what] = new URL(request.url, issuer).pathname.split('/');
    if (where === '_test') return await control(what, request, response);
    if (where === 'interaction') return await interact(what, request, response);
    return provider.callback()(request, response);
  } catch (error) {
    response.statusCode = 500;
    return response.end(String(error?.stack || error));
  }
}).listen(port, '127.0.0.1', () => console.log('ready', issuer));
