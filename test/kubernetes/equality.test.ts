/**
 * One plan, two renderings, one meaning: what a real istiod makes of the Istio rendering, as a
 * gateway's Envoy has it, is what an Envoy has of the local rendering, in every field that a plan
 * speaks of; and both are what the plan asks for.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from '../../gate-service/src/mesh/effect/differences.ts';
import {
  istioSubset,
  localSubset,
  type SubsetOfCluster,
} from '../../gate-service/src/mesh/effect/names.ts';
import { parseDump, trafficOfDump } from '../../gate-service/src/mesh/effect/of-dump.ts';
import { trafficOfPlan } from '../../gate-service/src/mesh/effect/of-plan.ts';
import type { Traffic } from '../../gate-service/src/mesh/effect/traffic.ts';
import type { MeshPlan } from '../../gate-service/src/mesh/plan.ts';
import { IstioBed } from './support/istio-bed.ts';
import { startLocalEnvoy, type LocalEnvoy } from './support/local-envoy.ts';
import { plansOf } from './support/plans.ts';
import { randomPlan } from './support/random-plans.ts';

const RANDOM_PLANS = 24;
const SEED = 20_261_121;
const SEEN_MS = 60_000;

let bed: IstioBed;
const servers: http.Server[] = [];
const envoys = new Map<string, LocalEnvoy>();

/** All endpoints are healthy: the dump of an Envoy shows what is not as such, whatever its files say. */
beforeAll(async () => {
  bed = await IstioBed.create();
  for (let index = 0; index < 3; index += 1) {
    const server = http.createServer((_, response) => response.end('ok'));
    await once(server.listen(0, '0.0.0.0'), 'listening');
    servers.push(server);
  }
});
afterAll(async () => {
  await Promise.all([...envoys.values()].map((one) => one.stop()));
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await bed.dispose();
});

const ports = (): [number, number, number] =>
  servers.map((one) => (one.address() as AddressInfo).port) as [number, number, number];

/** What is read once it is what the plan asks for, or at the end of the patience. */
async function traffic(
  plan: MeshPlan,
  dump: () => Promise<unknown>,
  subsetOf: SubsetOfCluster,
): Promise<Traffic> {
  const until = performance.now() + SEEN_MS;
  for (;;) {
    let failure: unknown;
    try {
      const seen = trafficOfDump(parseDump(await dump()), plan, subsetOf);
      if (differences(trafficOfPlan(plan), seen).length === 0) return seen;
      if (performance.now() >= until) return seen;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= until) throw failure;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function localTraffic(plan: MeshPlan): Promise<Traffic> {
  const known = envoys.get(plan.environment);
  if (known === undefined) envoys.set(plan.environment, await startLocalEnvoy(plan));
  else await known.publish(plan);
  const envoy = envoys.get(plan.environment)!;
  return traffic(plan, () => envoy.dump(), localSubset);
}

async function istioTraffic(plan: MeshPlan): Promise<Traffic> {
  await bed.apply(plan);
  return traffic(plan, () => bed.dump(plan.environment), istioSubset(bed.namespace));
}

async function expectEqual(plan: MeshPlan): Promise<void> {
  const [local, istio] = await Promise.all([localTraffic(plan), istioTraffic(plan)]);
  const what = `by ${JSON.stringify(plan)}`;
  expect(differences(local, istio), `Istio differs from local ${what}`).toEqual([]);
  expect(differences(trafficOfPlan(plan), istio), `Istio differs ${what}`).toEqual([]);
  expect(differences(trafficOfPlan(plan), local), `local differs ${what}`).toEqual([]);
}

describe('both renderings of a plan mean the same', () => {
  it.each(Object.keys(plansOf([1, 2, 3])))('%s', async (name) => {
    await expectEqual(plansOf(ports())[name]!);
  });

  it(
    `${RANDOM_PLANS} random plans`,
    async () => {
      for (const plan of fc.sample(randomPlan(ports()), { numRuns: RANDOM_PLANS, seed: SEED })) {
        await expectEqual(plan);
      }
    },
    RANDOM_PLANS * 30_000,
  );
});
