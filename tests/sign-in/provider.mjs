// A real OpenID Connect provider (oidc-provider) with made-up people, and a browser that signs in there:
//   provider.mjs serve CALLBACK    prints its issuer, and serves until it is stopped
//   provider.mjs browse URL WHO    follows a sign-in from the gateway's URL to the command's port; prints what it saw
import http from 'node:http';

const [, , mode, argument, who] = process.argv;
const SECRET = 'made-up secret: with / and +';

async function serve(callback) {
  const { default: Provider } = await import('oidc-provider');
  const server = http.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const people = { ann: ['support', 'others'], bob: ['staff'], eve: ['others'] };
  const client = { redirect_uris: [callback], response_types: ['code'], grant_types: ['authorization_code'] };
  const provider = new Provider(issuer, {
    clients: [
      { ...client, client_id: 'phigate', client_secret: SECRET },
      { ...client, client_id: 'public', token_endpoint_auth_method: 'none' },
    ],
    pkce: { methods: ['S256'], required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'email', 'groups'],
    // What scopes ask for is told by the userinfo endpoint, as the standard has it, unless the environment says otherwise.
    conformIdTokenClaims: process.env.IN_TOKEN !== '1',
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@acme.example`, email_verified: id !== 'una', groups: people[id] ?? ['staff'] }),
    }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
}

// Follows redirects and fills in forms, with a cookie jar for each host.
async function browse(start, login) {
  const jars = new Map();
  const visit = async (url, form, policy) => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map();
    jars.set(origin, jar);
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
    // As browsers do (Fetch, append a request Origin header).
    if (form) headers.origin = policy === 'no-referrer' ? 'null' : origin;
    const reply = await fetch(url, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      headers,
      body: form ? new URLSearchParams(form) : undefined,
    });
    for (const line of reply.headers.getSetCookie()) {
      const [pair] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const { headers: got } = reply;
    return { url, status: reply.status, to: got.get('location'), policy: got.get('referrer-policy'), text: await reply.text() };
  };
  let page = await visit(start);
  for (let step = 0; step < 30; step += 1) {
    if (page.to) {
      page = await visit(new URL(page.to, page.url).href);
      continue;
    }
    const action = page.text.match(/<form[^>]* action="([^"]+)"/)?.[1];
    if (page.status !== 200 || !action) break;
    const field = (name) => page.text.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1];
    const word = page.text.match(/<strong>([^<]+)<\/strong>/)?.[1];
    if (word && field('id')) {
      console.log(`word ${word}`);
      page = await visit(new URL(action, page.url).href, { id: field('id') }, page.policy);
    } else {
      const prompt = field('prompt');
      page = await visit(new URL(action, page.url).href, prompt === 'login' ? { prompt, login, password: 'x' } : { prompt }, page.policy);
    }
  }
  console.log(`end ${page.status} ${page.text.slice(0, 300).replaceAll('\n', ' ')}`);
}

await (mode === 'serve' ? serve(argument) : browse(argument, who));
