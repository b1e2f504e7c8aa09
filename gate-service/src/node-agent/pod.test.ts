import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeDescriptionSchema } from './protocol.ts';
import { describePod, type PodSurroundings } from './pod.ts';

const TOKEN = 'a-token-of-the-tests-0001';
let folder: string;
let war: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pod-node-'));
  war = join(folder, 'application.war');
  await writeFile(war, 'not really one');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function surroundings(
  environment: PodSurroundings['environment'] = {},
  readText: PodSurroundings['readText'] = async () => Promise.resolve(`${TOKEN}\n`),
): PodSurroundings {
  return {
    environment: { SPEED_GATE_WAR: war, ...environment },
    hostName: 'checkout-7d9f8c6b5d-x2x9k',
    components: {
      httpd: '/usr/sbin/apache2',
      httpdServerRoot: '/usr/lib/apache2',
      java: '/usr/bin/java',
      jettyHome: '/opt/jetty',
      jolokia: '/opt/jolokia.jar',
    },
    resources: { cores: 2, memoryMiB: 1024, fileDescriptors: 65_536 },
    stock: { 'httpd.keepAlive': true },
    readText,
  };
}

describe('the node of a pod', () => {
  it('is described by what every container has: host name, stock configuration, the WAR itself', async () => {
    const { description } = await describePod(surroundings());
    expect(description).toMatchObject({
      name: 'checkout-7d9f8c6b5d-x2x9k',
      address: '0.0.0.0',
      agentAddress: '0.0.0.0',
      ports: { httpd: 8080, agent: 9090 },
      build: { digest: createHash('sha256').update('not really one').digest('hex'), war },
      configuration: { 'httpd.keepAlive': true },
      healthPath: '/',
      token: TOKEN,
    });
    expect(description.build.digestOf).toBeUndefined();
    expect(nodeDescriptionSchema.parse(description)).toEqual(description);
  });

  it('is what the platform says in the environment; an empty variable says nothing', async () => {
    const digest = 'ab'.repeat(32);
    const { description } = await describePod(
      surroundings({
        SPEED_GATE_NODE_NAME: 'checkout.candidate-1',
        SPEED_GATE_NODE_CONFIGURATION: '{"jetty.maxThreads":50}',
        SPEED_GATE_HEALTH_PATH: '/health',
        SPEED_GATE_SYSTEM_PROPERTIES: '{"wait":"40"}',
        SPEED_GATE_BUILD_DIGEST: `sha256:${digest}`,
        SPEED_GATE_AGENT_TOKEN_FILE: '',
      }),
    );
    expect(description).toMatchObject({
      name: 'checkout-candidate-1',
      configuration: { 'jetty.maxThreads': 50 },
      healthPath: '/health',
      systemProperties: { wait: '40' },
      build: { digest, digestOf: 'image' },
    });
  });

  it('says everything that is wrong with the environment at once', async () => {
    const wrong = describePod(
      surroundings({
        SPEED_GATE_NODE_CONFIGURATION: '{',
        SPEED_GATE_HEALTH_PATH: 'health',
        SPEED_GATE_BUILD_DIGEST: 'latest',
        SPEED_GATE_SYSTEM_PROPERTIES: '{"wait":40}',
      }),
    );
    await expect(wrong).rejects.toThrow(
      /SPEED_GATE_NODE_CONFIGURATION: is not JSON[^]*SPEED_GATE_HEALTH_PATH: must start with \/[^]*SPEED_GATE_SYSTEM_PROPERTIES: [^]*SPEED_GATE_BUILD_DIGEST: must be a SHA-256/,
    );
  });

  it('does not start without a token, and names the file where its Secret belongs', async () => {
    const missing = surroundings({}, async () => Promise.reject(new Error('ENOENT')));
    await expect(describePod(missing)).rejects.toThrow(
      /\/var\/run\/speed-gate\/agent\/token; mount the Secret/,
    );
    const short = surroundings({}, async () => Promise.resolve('guess\n'));
    await expect(describePod(short)).rejects.toThrow(/shorter than 16/);
  });

  it('reads the token anew each time, so that its Secret can be renewed', async () => {
    let text = TOKEN;
    const { token } = await describePod(surroundings({}, async () => Promise.resolve(text)));
    text = 'another-token-of-the-tests';
    expect(await token()).toBe(text);
  });

  it('does not start without its build', async () => {
    const gone = surroundings({ SPEED_GATE_WAR: '/nowhere/application.war' });
    await expect(describePod(gone)).rejects.toThrow(/cannot read the build \/nowhere/);
  });
});
