/**
 * The gate service is killed (-9) while it tunes and while it confirms an adopted configuration, on the real
 * platform. Production runs so few connections to Jetty that requests wait for each other, so that there
 * is something to win: the tuner adopts, and what it adopted is confirmed on fresh data and promoted.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestOfFile } from '../../gate-service/src/commands/digest.ts';
import { localPlatformDown } from '../../gate-service/src/platforms/local/local-platform.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { nodeResources } from '../../gate-service/src/settings/node-resources.ts';
import { requireStackConfiguration } from '../../gate-service/src/stack/configuration.ts';
import type { StackConfiguration } from '../../gate-service/src/stack/configuration.ts';
import { STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';
import { openStore } from '../../gate-service/src/store/store.ts';
import { components, SERVICE, startGate, type TestGate } from '../support/gate-fixture.ts';
import { GateDatabase, KilledTooLate, RunEnded } from './gate-database.ts';
import { ProductionWatch } from './production-watch.ts';

/**
 * A request holds its connection so long; {@link RATE} of them a second keep half of the {@link PLACES} busy. A third of
 * the requests waits then, as long as others hold, so p95 is twice what it could be while the median stays calm; and
 * so few of them leave the machine room, whose stalls would hide that.
 */
const HOLD_MS = 20;
const PLACES = 2;
const RATE = 55;
/** A run whose machine is not left alone ends without a verdict, as it should; then it is asked for again. */
const MOST_TRIES = 3;
/** So that all of them find their place. */
const TRIES_MS = MOST_TRIES * 300_000;

let folder: string;
let gate: TestGate;
let database: GateDatabase;
let users: ProductionWatch;
let digest: string;
let narrow: StackConfiguration;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-confirming-'));
  const war = await waitingBuild();
  digest = await digestOfFile(war);
  gate = await startGate({
    production: war,
    rate: RATE,
    service: {
      nodes: { staging: 1, production: 1 },
      // So wide that chance does not break them: both arms run the same build.
      thresholds: ['p50 <= baseline + 50%', 'errors < 30%'],
      shown: [],
      promotion: { default: 'auto', stepSeconds: 2, holdSeconds: 2, minimumRequests: 10 },
    },
  });
  narrow = requireStackConfiguration(
    {
      ...STOCK_VALUES,
      'httpd.maxRequestWorkers': 64,
      'httpd.threadsPerChild': 64,
      'httpd.startServers': 1,
      'httpd.minSpareThreads': 5,
      'proxy.max': PLACES,
    },
    nodeResources('17'),
  );
  await restartProductionOn(narrow);
  database = new GateDatabase(gate);
  users = new ProductionWatch(gate, 10);
  await users.served(30);
});

afterAll(async () => {
  console.log(`production in all: ${JSON.stringify(await users.stop())}`);
  database.close();
  await gate.close();
  await rm(folder, { recursive: true });
});

/** The sample application, waiting so long for its back ends. */
async function waitingBuild(): Promise<string> {
  const war = join(folder, 'checkout-wait.war');
  await copyFile(components.wars['1.0'].path, war);
  const classes = join(folder, 'WEB-INF/classes');
  await mkdir(classes, { recursive: true });
  await writeFile(
    join(classes, 'build.properties'),
    `version=1.0\nwait.median.ms=${HOLD_MS}\nwait.sigma=0.02\n`,
  );
  const jar = join(components.java.home, 'bin/jar');
  await promisify(execFile)(jar, ['--update', '--file', war, '-C', folder, 'WEB-INF']);
  return war;
}

/** As after a loss of the machine: what is in force is read from the store and brought up again. */
async function restartProductionOn(configuration: StackConfiguration): Promise<void> {
  await gate.stopService();
  await localPlatformDown(gate.state);
  const store = await openStore({ file: join(gate.state, 'speed-gate.sqlite') });
  try {
    await store.saveConfiguration(configuration.hash, configuration.values);
    const { inForce, lastKnownGood, version } = await store.serviceState(SERVICE);
    await store.saveServiceState(SERVICE, version, {
      inForce: { ...inForce!, configurationHash: configuration.hash },
      ...(lastKnownGood && { lastKnownGood }),
    });
  } finally {
    await store.close();
  }
  await gate.startService();
  expect((await gate.service()).inForce?.configurationHash).toBe(configuration.hash);
}

async function killIn(id: string, phase: string): Promise<void> {
  try {
    await database.killAt(
      gate,
      `run ${id}`,
      () => database.run(id),
      (stored) => stored.phase === phase,
    );
  } catch (error) {
    if (error instanceof KilledTooLate) await gate.startService();
    throw error;
  }
  await gate.startService();
}

/** Asks for a run and kills the service in this phase; again when the machine was not left alone. */
async function killedIn(phase: string): Promise<RunView> {
  for (let attempt = 1; ; attempt += 1) {
    const tune = { evaluations: 2, seconds: 90 };
    const id = await gate.submit({ build: digest, promote: 'auto', tune });
    try {
      await killIn(id, phase);
    } catch (error) {
      if (!(error instanceof RunEnded) || attempt === MOST_TRIES) throw error;
      await told(await gate.finished(id));
      continue;
    }
    const run = await gate.finished(id);
    await told(run);
    if (run.cause === 'met' || attempt === MOST_TRIES) return run;
  }
}

async function told(run: RunView): Promise<void> {
  console.log(`${run.decision} (${run.cause}): ${run.summary}`);
  for (const { message, type } of await gate.events(run.id)) {
    if (type === 'tuning' || type === 'attempt' || type === 'phase')
      console.log(`  ${type}: ${message}`);
  }
}

it(
  'a run that confirms what it adopted starts over, and ends promoted on a confirmed configuration',
  { timeout: TRIES_MS },
  async () => {
    const mark = users.mark();
    const run = await killedIn('confirming');
    expect(run).toMatchObject({ decision: 'promote', cause: 'met' });
    expect(run.phases.filter(({ phase }) => phase === 'deploying')).toHaveLength(2);
    // What production runs now is what this run confirmed after the kill, or what it was compared on.
    const { inForce } = await gate.service();
    expect(inForce).toMatchObject({ build: digest, configurationHash: run.configuration!.hash });
    if (run.configuration!.adopted) {
      expect(run.tuning).toMatchObject({ outcome: 'confirmed' });
      expect(
        run.attempts.findLast(({ purpose }) => purpose === 'confirming')?.judgement?.cause,
      ).toBe('met');
    } else {
      expect(run.configuration!.hash).toBe(narrow.hash);
    }
    expect(Object.fromEntries(await gate.weights())).toEqual({ [inForce!.armId]: 100 });
    expect(await gate.nodes('staging')).toEqual([]);
    expect(database.openIntents()).toBe(0);
    await users.served(30);
    expect(users.since(mark)).toMatchObject({ failed: 0 });
  },
);
