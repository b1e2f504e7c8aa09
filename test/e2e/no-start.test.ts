/** A gate service that cannot start says why and leaves nothing running. */
import { createServer, type Server } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { components, nothingLeft, prepareGate, type TestGate } from '../support/gate-fixture.ts';
import { openReceiver } from '../support/webhook-receiver.ts';

let gate: TestGate;
let listener: Server | undefined;

beforeEach(async () => {
  gate = await prepareGate();
});

afterEach(async () => {
  listener?.close();
  listener = undefined;
  await gate.close();
});

/** Takes a port, as some other program of this machine would. */
async function occupy(port: number): Promise<void> {
  listener = createServer();
  await new Promise<void>((resolve, reject) => {
    listener!.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
}

it.each([
  ['production', 'the Envoy of production'],
  ['staging', 'the Envoy of staging'],
  ['listen', 'SPEED_GATE_LISTEN'],
] as const)(
  'the port for %s is taken: it names the port, who has it and what to do',
  async (which, what) => {
    const port = gate.ports[which];
    await occupy(port);
    const { code, output } = await gate.serveToEnd();
    expect(code).toBe(1);
    expect(output).toContain(String(port));
    expect(output).toContain(what);
    expect(output).toMatch(/taken by process \d+|in use/);
    expect(output).toMatch(/End that process|choose another/);
    expect(output).not.toMatch(/^\s+at /m);
    const others = Object.values(gate.ports).filter((other) => other !== port);
    await nothingLeft(gate.state, others);
  },
);

it.each([
  ['envoy', '/bin/false', /The Envoy of staging cannot be run: \/bin\/false ended with 1.*setup/],
  ['envoy', '/no/such/envoy', /The Envoy of staging cannot be run: \/no\/such\/envoy .*ENOENT/],
  ['java', '/bin/false', /did not get ready: .*Jetty ended with exit code 1/is],
  ['prometheus', '/bin/false', /Prometheus ended right after its start.*prometheus\.log/s],
] as const)('%s is %s: it names the component and why', async (component, path, words) => {
  const cache = join(gate.state, 'cache');
  await mkdir(cache);
  const broken = { ...components, [component]: { ...components[component], path } };
  await writeFile(join(cache, 'components.json'), JSON.stringify(broken));
  gate.set('SPEED_GATE_CACHE', cache);
  const { code, output } = await gate.serveToEnd();
  expect(code).toBe(1);
  expect(output).toMatch(words);
  expect(output).not.toMatch(/^\s+at /m);
  await nothingLeft(gate.state, Object.values(gate.ports));
});

it.each([
  ['the set-up was never run', 'cache', (path: string) => mkdir(path), /setup/],
  [
    'its folder of builds is a file',
    'builds',
    (path: string) => writeFile(path, ''),
    /EEXIST|ENOTDIR/,
  ],
] as const)('%s: it ends, and sends no webhook on', async (_what, name, spoil, words) => {
  const chat = await openReceiver();
  try {
    const webhooks = join(gate.state, 'webhooks.yaml');
    await writeFile(join(gate.state, 'secret'), 'a-secret-of-32-characters-1234567');
    await writeFile(
      webhooks,
      `endpoints: [{ name: chat, url: "${chat.url}/", secretFile: "${gate.state}/secret" }]`,
    );
    gate.set('SPEED_GATE_WEBHOOKS_FILE', webhooks);
    if (name === 'cache') gate.set('SPEED_GATE_CACHE', join(gate.state, name));
    await spoil(join(gate.state, name));
    const { code, output } = await gate.serveToEnd();
    expect(code, output).toBe(1);
    expect(output).toMatch(words);
    await nothingLeft(gate.state, Object.values(gate.ports));
  } finally {
    await chat.close();
  }
});
