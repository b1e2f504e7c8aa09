import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addNodes } from './context.ts';
import { StateFile, type ArmState, type PlatformState } from './state.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-ports-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('gives arms that come up side by side different ports, whatever is offered to both', async () => {
  const state = await StateFile.open(path.join(folder, 'state.json'), () =>
    Promise.resolve(emptyState()),
  );
  const asked: number[] = [];
  // As if both had looked for free ports at the same moment: the first answers are the same.
  const offered = (count: number): Promise<number[]> => {
    asked.push(count);
    const from = asked.length <= 2 ? 12_000 : 13_000;
    return Promise.resolve(Array.from({ length: count }, (_, index) => from + index));
  };
  const arms = ['shop-baseline-1', 'shop-candidate-2', 'shop-candidate-3'];
  await Promise.all(arms.map((id) => addNodes(state, { id, nodes: [] }, 2, addArm(id), offered)));
  const ports = state.state.arms.flatMap(({ nodes }) =>
    nodes.flatMap((node) => [
      node.ports.agent,
      node.ports.httpd,
      ...node.ports.jetty,
      ...node.ports.jolokia,
      node.ports.status,
    ]),
  );
  expect(ports).toHaveLength(3 * 2 * 7);
  expect(new Set(ports).size).toBe(ports.length);
});

function addArm(id: string) {
  return (draft: PlatformState, nodes: readonly ArmState['nodes'][number][]): void => {
    draft.arms.push({
      id,
      phase: 'deploying',
      environment: 'staging',
      role: 'candidate',
      service: { name: 'shop', hosts: ['shop.test'], healthPath: '/', systemProperties: {} },
      build: { digest: 'd', location: '/builds/d' },
      values: {},
      hash: 'h',
      meshValues: {},
      nodes: [...nodes],
    });
  };
}

function emptyState(): PlatformState {
  const at = { path: '/bin/true' };
  return {
    format: 1,
    ports: {
      staging: { listener: 11_001, admin: 11_002 },
      production: { listener: 11_003, admin: 11_004 },
      prometheus: 11_005,
    },
    token: 'a-token-of-the-test',
    resources: { cores: 2, memoryMiB: 1024, fileDescriptors: 1024 },
    components: {
      httpd: { ...at, serverRoot: '/' },
      java: at,
      jettyHome: at,
      jolokia: at,
      envoy: at,
      prometheus: at,
    },
    arms: [],
    measurement: {},
    production: {},
  };
}
