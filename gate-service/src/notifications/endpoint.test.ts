import { expect, it } from 'vitest';
import { DocumentError } from '../settings/yaml-document.ts';
import { parseWebhooks } from './endpoint.ts';

const good = `
publicUrl: https://gate.example.com/
endpoints:
  - name: chat
    url: https://chat.example.com/hooks/1
    secretFile: /run/secrets/chat
  - name: ci
    format: jenkins-webhook-step
    url: https://ci.example.com/jenkins
    services: [checkout]
`;

it('reads what is there and completes what is not', () => {
  const { endpoints, publicUrl } = parseWebhooks(good, 'webhooks.yaml');
  expect(publicUrl).toBe('https://gate.example.com');
  const [chat, ci] = endpoints;
  expect([...chat!.events]).toStrictEqual(['decision', 'override', 'promotion', 'problem']);
  expect(chat).toMatchObject({ secret: { file: '/run/secrets/chat' }, timeoutMs: 10_000 });
  expect([...ci!.events]).toStrictEqual(['decision']);
  expect([...ci!.services!]).toStrictEqual(['checkout']);
});

it('says every mistake at once, with its place', () => {
  const text = `
endpoints:
  - name: chat
    url: http://chat.example.com/hooks
    secretEnv: CHAT
    secretFile: /run/secrets/chat
  - name: chat
    url: https://user:word@chat.example.com/
    events: [decision]
  - name: ci
    format: jenkins-webhook-step
    url: ci.example.com
    events: [promotion]
  - { name: files, url: "file:///etc/passwd", secretEnv: S }
`;
  const problems = problemsOf(text);
  expect(problems.map(({ path }) => path)).toStrictEqual([
    'endpoints[0].url',
    'endpoints[0].secretFile',
    'endpoints[1].name',
    'endpoints[1].url',
    'endpoints[1].secretFile',
    'endpoints[2].url',
    'endpoints[2].events',
    'endpoints[3].url',
  ]);
  expect(problems[0]?.message).toMatch(/allowHttp/);
  expect(problems.every(({ line }) => line !== undefined)).toBe(true);
});

it.each([
  ['an unknown key', 'endpoints: [{name: a, url: "https://a.example", secret: hush}]', /secret/],
  ['a name in capitals', 'endpoints: [{name: A, url: "https://a.example", secretEnv: S}]', /lower/],
  [
    'an unknown event',
    'endpoints: [{name: a, url: "https://a", secretEnv: S, events: [all]}]',
    /./,
  ],
])('refuses %s', (_, text, message) => {
  expect(problemsOf(text)[0]?.message).toMatch(message);
});

it.each(['http://localhost:9/x', 'http://127.0.0.1:9/x', 'http://[::1]:9/x'])(
  'lets %s be plain http, for it does not leave the machine',
  (url) => {
    const text = `endpoints: [{name: a, url: "${url}", secretEnv: S}]`;
    expect(parseWebhooks(text, 'w').endpoints).toHaveLength(1);
  },
);

it('lets an operator say that plain http is meant', () => {
  const text = 'endpoints: [{name: a, url: "http://a.example", secretEnv: S, allowHttp: true}]';
  expect(parseWebhooks(text, 'w').endpoints[0]?.url.href).toBe('http://a.example/');
  expect(
    problemsOf(text.replace('a.example', '127.0.0.1.example').replace(', allowHttp: true', '')),
  ).toHaveLength(1);
});

function problemsOf(text: string) {
  try {
    parseWebhooks(text, 'webhooks.yaml');
  } catch (error) {
    if (error instanceof DocumentError) return error.problems;
    throw error;
  }
  throw new Error('nothing was found to be wrong');
}
