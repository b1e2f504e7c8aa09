/**
 * Each process of the platform is killed (-9) in the middle of a run. Production must keep answering,
 * what was killed must come back on its ports, and the run must end with a cause or resume.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { startGate, type TestGate } from '../support/gate-fixture.ts';
import type { SeenNode } from '../support/platform-view.ts';
import { childrenOf, knownProcess, processesNaming, until } from '../support/processes.ts';
import { ProductionWatch, type Losses } from './production-watch.ts';

/** In flight on the node at the kill: at 30 requests/s of about 45 ms seldom more than one or two. */
const IN_FLIGHT = 10;
/** The promise: until the health check or outlier detection has taken the node out. */
const OUT_WITHIN_MS = 2000;
/** Requests that production must serve well after a kill before its losses are read. */
const AFTERWARDS = 60;

let gate: TestGate;
let users: ProductionWatch;
let build: string;
let underWay: RunView | undefined;

beforeAll(async () => {
  gate = await startGate({
    // So wide that a gap of a second alone breaks none of them.
    service: { thresholds: ['p50 <= baseline + 100%', 'errors < 50%'], shown: [] },
    rate: 40,
  });
  users = new ProductionWatch(gate);
  build = await gate.upload('1.1');
  await users.served(30);
});

afterAll(async () => {
  const total = await users.stop();
  console.log(`production in all: ${JSON.stringify(total)}`);
  await gate.close();
});

/** A run that is measuring now: the one under way, or a new one. */
async function measuringRun(): Promise<string> {
  const now = underWay === undefined ? undefined : await gate.run(underWay.id);
  if (now !== undefined && now.phase !== 'finished') {
    try {
      underWay = await gate.measuring(now.id, Math.max(1, now.attempts.length));
      return underWay.id;
    } catch {
      await gate.finished(now.id);
    }
  }
  // Nothing so narrow is settled early: the run is there for as long as it may take.
  underWay = await gate.measuring(
    await gate.submit({ build, thresholds: ['p99 <= baseline + 1%'] }),
  );
  return underWay.id;
}

/** Losses since the kill, once production has served on for a while. */
async function losses(name: string, mark: number): Promise<Losses> {
  await users.served(AFTERWARDS);
  const lost = users.since(mark);
  console.log(`killed ${name}: ${JSON.stringify(lost)}`);
  return lost;
}

async function node(environment: 'staging' | 'production', name: string): Promise<SeenNode> {
  const found = (await gate.nodes(environment)).find((one) => one.name === name);
  if (found === undefined) throw new Error(`node ${name} is gone`);
  return found;
}

/** A node that has its two processes and gets requests. */
interface ServingNode extends SeenNode {
  readonly httpdPid: number;
  readonly jettyPid: number;
}

function serving(seen: SeenNode): ServingNode | undefined {
  const { httpd, jetty, health } = seen.status ?? {};
  return health === 'ready' && httpd !== undefined && jetty !== undefined && seen.healthyInProxy
    ? { ...seen, httpdPid: httpd.usage.pid, jettyPid: jetty.usage.pid }
    : undefined;
}

function untilServing(
  environment: 'staging' | 'production',
  name: string,
  fits: (node: ServingNode) => boolean,
): Promise<ServingNode> {
  return until(`node ${name} serves again`, async () => {
    const found = serving(await node(environment, name));
    return found !== undefined && fits(found) ? found : undefined;
  });
}

async function servingNodes(environment: 'staging' | 'production'): Promise<ServingNode[]> {
  return until(`all nodes of ${environment} serve`, async () => {
    const nodes = (await gate.nodes(environment)).map(serving);
    return nodes.includes(undefined) ? undefined : (nodes as ServingNode[]);
  });
}

/** Whatever was killed: a decision with its cause, nothing in staging, production all on the arm in force. */
async function expectOrder(run: RunView): Promise<void> {
  expect(run).toMatchObject({ phase: 'finished' });
  if (run.cause === 'met') expect(run.decision).toBe('pass');
  else expect(run.decision).toBe('rollback');
  expect(run.cause).not.toBe('cancelled');
  expect(run.summary).toContain('production is all on build');
  const { inForce } = await gate.service();
  expect(Object.fromEntries(await gate.weights())).toEqual({ [inForce!.armId]: 100 });
  expect(await gate.productionVersion()).toBe('1.0');
  expect(await gate.nodes('staging')).toEqual([]);
  for (const role of ['baseline', 'candidate', 'challenger']) {
    expect(processesNaming(`${gate.state}/platform/nodes/checkout-${role}-`)).toEqual([]);
  }
}

describe('in production', () => {
  it('httpd: another node takes over, and no child of the killed one is left beside the next', async () => {
    await measuringRun();
    const [before] = await servingNodes('production');
    const children = childrenOf(before!.httpdPid);
    expect(children.length).toBeGreaterThan(1);
    const mark = users.mark();
    process.kill(before!.httpdPid, 'SIGKILL');
    const after = await untilServing(
      'production',
      before!.name,
      ({ httpdPid }) => httpdPid !== before!.httpdPid,
    );
    expect(children.filter((child) => child.isRunning())).toEqual([]);
    expect(after).toMatchObject({ ports: before!.ports, jettyPid: before!.jettyPid });
    // The children of the killed parent serve on until they are ended: what is in flight on them is lost.
    const lost = await losses('httpd of a production node', mark);
    expect(lost.failed).toBeLessThanOrEqual(IN_FLIGHT);
  });

  it('Jetty: 503 only until its node is out of rotation', async () => {
    await measuringRun();
    const before = (await servingNodes('production'))[1]!;
    const mark = users.mark();
    process.kill(before.jettyPid, 'SIGKILL');
    const after = await untilServing(
      'production',
      before.name,
      ({ jettyPid }) => jettyPid !== before.jettyPid,
    );
    expect(after).toMatchObject({ ports: before.ports, httpdPid: before.httpdPid });
    const lost = await losses('Jetty of a production node', mark);
    expect(lost.lastAtMs).toBeLessThanOrEqual(OUT_WITHIN_MS);
    const other = Object.entries(lost.reasons).filter(([reason]) => reason !== 'status 503');
    expect(other.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(IN_FLIGHT);
  });

  it('a node agent: nothing is lost, its httpd and Jetty are taken over', async () => {
    await measuringRun();
    const [before] = await servingNodes('production');
    const agent = await gate.component(`node-${before!.name}`);
    const mark = users.mark();
    process.kill(agent.pid!, 'SIGKILL');
    await until('the agent runs again', async () => {
      const { pid, running } = await gate.component(agent.name);
      return running && pid !== agent.pid ? true : undefined;
    });
    const after = await untilServing('production', before!.name, () => true);
    expect(after).toMatchObject({
      ports: before!.ports,
      httpdPid: before!.httpdPid,
      jettyPid: before!.jettyPid,
    });
    expect(await losses('the agent of a production node', mark)).toMatchObject({ failed: 0 });
  });

  it('the Envoy: comes back on its port with the routes that were in force', async () => {
    await measuringRun();
    const before = await gate.component('envoy-production');
    const weights = await gate.weights();
    const mark = users.mark();
    process.kill(before.pid!, 'SIGKILL');
    const after = await until('the Envoy of production runs again', async () => {
      const now = await gate.component('envoy-production');
      return now.running && now.pid !== before.pid ? now : undefined;
    });
    expect(after.ports).toEqual(before.ports);
    await until('it has its routes', async () =>
      (await gate.weights().catch(() => undefined))?.size === weights.size ? true : undefined,
    );
    expect(await gate.weights()).toEqual(weights);
    const lost = await losses('the Envoy of production', mark);
    // Nobody else can answer meanwhile: refused connections until it listens again, not a request longer.
    expect(lost.failed).toBeLessThan(lost.sent);
    await servingNodes('production');
    const settled = users.mark();
    expect(await losses('nothing', settled)).toMatchObject({ failed: 0 });
  });

  it('and the run that was measuring meanwhile ends in order', async () => {
    await expectOrder(await gate.finished(underWay!.id));
  });
});

describe('in staging', () => {
  it('httpd, then Jetty in the repeated attempt: neither measurement counts, the run ends invalid', async () => {
    const mark = users.mark();
    const id = await gate.submit({ build });
    await gate.measuring(id);
    const candidate = (await servingNodes('staging')).find(({ role }) => role === 'candidate')!;
    process.kill(candidate.httpdPid, 'SIGKILL');
    await untilServing(
      'staging',
      candidate.name,
      ({ httpdPid }) => httpdPid !== candidate.httpdPid,
    );
    await gate.measuring(id, 2);
    const baseline = (await servingNodes('staging')).find(({ role }) => role === 'baseline')!;
    process.kill(baseline.jettyPid, 'SIGKILL');
    const run = await gate.finished(id);
    expect(run.attempts.map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining(
        `a component of node ${candidate.name} (candidate) was started again`,
      ),
      expect.stringMatching(
        new RegExp(`node ${baseline.name} .*(was started again|does not answer)`),
      ),
    ]);
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(run.summary).toContain(baseline.name);
    await expectOrder(run);
    expect(await losses('httpd and Jetty in staging', mark)).toMatchObject({ failed: 0 });
  });

  it('the Envoy: comes back on its port, the measurement with the gap does not count', async () => {
    const mark = users.mark();
    const id = await gate.submit({ build });
    await gate.measuring(id);
    const before = await gate.component('envoy-staging');
    process.kill(before.pid!, 'SIGKILL');
    const after = await until('the Envoy of staging runs again', async () => {
      const now = await gate.component('envoy-staging');
      return now.running && now.pid !== before.pid ? now : undefined;
    });
    expect(after.ports).toEqual(before.ports);
    const run = await gate.finished(id);
    console.log(
      `killed the Envoy of staging: ${JSON.stringify(run.attempts.map((a) => a.sentence))}`,
    );
    expect(run.attempts[0]!.sentence).toContain('the proxy has not seen all requests');
    expect(run.attempts[0]!.judgement).toBeUndefined();
    await expectOrder(run);
    expect(await losses('the Envoy of staging', mark)).toMatchObject({ failed: 0 });
  });
});

describe('the gate service', () => {
  it('everything else runs on, is adopted by the next start, and the run starts over to its decision', async () => {
    const id = await gate.submit({ build });
    await gate.measuring(id);
    const before = new Map((await gate.components()).map(({ name, pid }) => [name, pid]));
    const production = await servingNodes('production');
    const staged = (await servingNodes('staging')).map(({ jettyPid }) => knownProcess(jettyPid));
    const mark = users.mark();
    await gate.killService();
    await users.served(AFTERWARDS);
    const orphans = new Map((await gate.components()).map(({ name, pid }) => [name, pid]));
    expect(orphans).toEqual(before);
    await gate.startService();
    const run = await gate.finished(id);
    expect(run.phases.filter(({ phase }) => phase === 'deploying')).toHaveLength(2);
    expect(run.attempts[0]!.sentence).toContain('interrupted by a restart');
    expect(run.attempts.length).toBeGreaterThan(1);
    expect(staged.filter((jetty) => jetty.isRunning())).toEqual([]);
    await expectOrder(run);
    const now = new Map((await gate.components()).map(({ name, pid }) => [name, pid]));
    for (const name of ['envoy-staging', 'envoy-production', 'prometheus']) {
      expect(now.get(name)).toBe(before.get(name));
    }
    expect(await servingNodes('production')).toMatchObject(
      production.map(({ name, httpdPid, jettyPid }) => ({ name, httpdPid, jettyPid })),
    );
    expect(await losses('the gate service', mark)).toMatchObject({ failed: 0 });
  });
});
