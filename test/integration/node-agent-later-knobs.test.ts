/** Knobs that came later, on a real node: an older configuration, compression, virtual threads. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { NodeAgentError } from '../../gate-service/src/node-agent/client.ts';
import { STORED_BEFORE } from '../../gate-service/src/stack/configurations-fixture.ts';
import { VIRTUAL_THREADS_JAVA } from '../../gate-service/src/stack/resources.ts';
import { createNode, stockWith } from './node-agent-fixture.ts';
import type { TestNode } from './node-agent-fixture.ts';

let node: TestNode | undefined;
afterEach(async () => {
  await node?.remove();
  node = undefined;
});

/** Where distributions put their JVMs. The set-up's own may be older than virtual threads. */
const JVMS = '/usr/lib/jvm';

/** The newest JVM of this machine. */
function newestJava(): { readonly path: string; readonly version: number } | undefined {
  const found = readdirSync(JVMS).flatMap((name) => {
    try {
      const release = readFileSync(join(JVMS, name, 'release'), 'utf8');
      const version = Number(/^JAVA_VERSION="(\d+)/m.exec(release)?.[1]);
      return Number.isNaN(version) ? [] : [{ path: join(JVMS, name, 'bin', 'java'), version }];
    } catch {
      return [];
    }
  });
  return found.toSorted((one, other) => other.version - one.version)[0];
}

async function jettyLog({ description }: TestNode, generation: number): Promise<string> {
  return readFile(join(description.directory, 'jetty', `${generation}`, 'jetty.log'), 'utf8');
}

const ENABLED = 'Using virtual threads for application tasks';

test('an older JVM refuses them, and says what it would take', async () => {
  node = await createNode('1.0', (description) => ({
    ...description,
    resources: { ...description.resources, javaVersion: 17 },
  }));
  await node.untilHealth('ready');
  const refused = node.client.configure(stockWith({ 'jetty.virtualThreads': true }));
  await expect(refused).rejects.toThrow(NodeAgentError);
  await expect(refused).rejects.toMatchObject({
    problem: {
      code: 'invalid-configuration',
      violations: [{ rule: 'virtual-threads-need-java-21' }],
    },
  });
});

test('a configuration of before is in force under its old hash, and takes later knobs', async () => {
  node = await createNode('1.0', (description) => ({
    ...description,
    configuration: STORED_BEFORE.values as typeof description.configuration,
  }));
  const { configurationHash } = await node.untilHealth('ready');
  expect(configurationHash).toBe(STORED_BEFORE.hash);
  expect((await node.client.configure(stockWith())).way).toBe('none');
  const compressing = stockWith({ 'httpd.compression': true, 'httpd.compressionLevel': 1 });
  const { way, hash } = await node.client.configure(compressing);
  expect(way).toBe('graceful');
  expect((await node.untilHealth('ready')).configurationHash).toBe(hash);
});

const newest = newestJava();
if (newest !== undefined && newest.version >= VIRTUAL_THREADS_JAVA) {
  test('a newer JVM runs requests on them, and goes back by a new Jetty', async () => {
    node = await createNode('1.0', (description) => ({
      ...description,
      components: { ...description.components, java: newest.path },
      resources: { ...description.resources, javaVersion: newest.version },
    }));
    await node.untilHealth('ready');
    expect(await jettyLog(node, 1)).not.toContain(ENABLED);

    const there = await node.client.configure(stockWith({ 'jetty.virtualThreads': true }));
    expect(there.way).toBe('route');
    expect(await jettyLog(node, 2)).toContain(ENABLED);
    await node.untilHealth('ready');

    // Its number of requests at once is fixed at its start.
    const wider = { 'jetty.virtualThreads': true, 'jetty.maxThreads': 400 };
    expect((await node.client.configure(stockWith(wider))).way).toBe('route');
    const { jetty } = await node.untilHealth('ready');
    const command = readFileSync(`/proc/${jetty!.usage.pid}/cmdline`, 'utf8');
    expect(command).toContain('jetty.threadPool.virtual.maxConcurrentTasks=400');

    expect((await node.client.configure(stockWith())).way).toBe('route');
    expect(await jettyLog(node, 4)).not.toContain(ENABLED);
    await node.untilHealth('ready');
  });
}
