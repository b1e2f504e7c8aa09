/**
 * Real pushes on this machine: Apache and Jetty behind Envoy, some with the same build, some with a
 * slower one. Each measurement is stored and judged, by the gate and by its peers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildReference } from '../../../gate-service/src/platforms/platform.ts';
import type { CatalogueService } from '../../../gate-service/src/settings/catalogue.ts';
import { readCatalogue } from '../../../gate-service/src/settings/catalogue-file.ts';
import { loadComponents } from '../../../gate-service/src/settings/components.ts';
import { createRandom, shuffled } from '../../../gate-service/src/statistics/random.ts';
import { openWorld, SERVICE } from '../swap/world.ts';
import { describePush, judgePush, rulesOf } from './judging.ts';
import { readOptions, type JudgeRealOptions } from './options.ts';
import { makePush, planted, warmup } from './push.ts';
import { openRecord, type BenchRecord, type PushedBuild, type PushRecord } from './record.ts';
import { rowsOf, type JudgedPush } from './rows.ts';
import { makeSlowBuild } from './slow-build.ts';

const SEED = 20_261_121;
/** So many pushes in a row that could not be measured: something is wrong with the machine, not with them. */
const MOST_FAILURES_IN_A_ROW = 3;
/** Deployment and removal of two arms, before anything is known. */
const GUESSED_SECONDS_AROUND = 15;

const catalogueFile = fileURLToPath(
  new URL('../../../resources/sample-application/speedgate.yaml', import.meta.url),
);

const say = (line: string): void => {
  console.error(line);
};

/** Options: see `options.ts`. The last line on standard output is JSON with a row for each build and gate. */
export async function runJudgeRealBench(
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const options = readOptions(args);
  const service = await readService();
  const folder = options.record ?? (await mkdtemp(path.join(tmpdir(), 'speed-gate-judge-real-')));
  const { rate, slowFactor, windows, windowSeconds } = options;
  const settings = { windows, windowSeconds, rate, slowFactor };
  const record = await openRecord(path.resolve(folder), settings, options.resume);
  const rules = rulesOf(service, options);
  try {
    const judged: JudgedPush[] = [];
    for (const push of record.pushes) {
      signal.throwIfAborted();
      const one = await judgePush(push, record.folder, rules);
      judged.push(one);
      say(`push ${push.push}, judged again: ${describePush(push, one)}`);
    }
    await measureMissing(options, service, record, signal, async (push) => {
      const one = await judgePush(push, record.folder, rules);
      judged.push(one);
      return describePush(push, one);
    });
    console.log(
      JSON.stringify({
        bench: 'judge-real',
        machine: { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown' },
        thresholds: rules.texts,
        ...settings,
        rows: rowsOf(judged, windows * windowSeconds),
      }),
    );
  } catch (error) {
    if (record.pushes.length > 0) {
      say(`${record.pushes.length} pushes are kept: go on with --record ${folder} --resume`);
    } else if (options.record === undefined) {
      await rm(folder, { recursive: true, force: true });
    }
    throw error;
  }
  if (options.record === undefined) await rm(folder, { recursive: true, force: true });
}

/** Measures what the record lacks, in an order drawn by chance: the machine's moods shall meet both builds alike. */
async function measureMissing(
  options: JudgeRealOptions,
  service: CatalogueService,
  record: BenchRecord,
  signal: AbortSignal,
  judged: (push: PushRecord) => Promise<string>,
): Promise<void> {
  const missing = missingPushes(record.pushes, options);
  const { windows, windowSeconds } = options;
  let secondsEach =
    GUESSED_SECONDS_AROUND + warmup.minSeconds + (windows + planted.windows) * windowSeconds;
  say(
    `${missing.length} pushes to measure (${record.pushes.length} in the record), ` +
      `about ${secondsEach.toFixed(0)} s each: ${minutes(missing.length * secondsEach)} in all`,
  );
  if (missing.length === 0) return;
  const builds = await mkdtemp(path.join(tmpdir(), 'speed-gate-judge-real-builds-'));
  try {
    const components = loadComponents();
    const { path: location, sha256: digest } = components.wars['1.0'];
    const baseline: BuildReference = { digest, location };
    const candidates: Readonly<Record<PushedBuild, BuildReference>> = {
      same: baseline,
      slow: await makeSlowBuild(components, builds, options.slowFactor),
    };
    const world = await openWorld({ log: options.verbose ? say : () => undefined, signal });
    try {
      let failures = 0;
      let spent = 0;
      const from = record.pushes.length;
      for (const [index, build] of missing.entries()) {
        signal.throwIfAborted();
        const push = from + index + 1;
        const done = await makePush(
          { push, build, seed: SEED + push, windows, windowSeconds, rate: options.rate },
          {
            world,
            service,
            builds: { baseline, candidate: candidates[build] },
            folder: record.folder,
            signal,
          },
        );
        await record.append(done);
        spent += done.seconds;
        secondsEach = spent / (index + 1);
        const left = minutes((missing.length - index - 1) * secondsEach);
        say(
          `push ${push}: ${await judged(done)}; ${done.seconds.toFixed(0)} s, about ${left} left`,
        );
        failures = done.file === undefined ? failures + 1 : 0;
        if (failures === MOST_FAILURES_IN_A_ROW) {
          throw new Error(
            `${failures} pushes in a row could not be measured, the last one: ${done.problems.join('; ')}`,
          );
        }
      }
    } finally {
      await world.close();
    }
  } finally {
    await rm(builds, { recursive: true, force: true });
  }
}

function missingPushes(done: readonly PushRecord[], { aa, slow }: JudgeRealOptions): PushedBuild[] {
  const lacking = (build: PushedBuild, wanted: number): PushedBuild[] =>
    new Array<PushedBuild>(
      Math.max(0, wanted - done.filter((push) => push.build === build).length),
    ).fill(build);
  const missing = [...lacking('same', aa), ...lacking('slow', slow)];
  return shuffled(missing, createRandom(SEED + done.length, 'order'));
}

async function readService(): Promise<CatalogueService> {
  const { services } = await readCatalogue(catalogueFile);
  const service = services.find(({ name }) => name === SERVICE.name);
  if (service === undefined) throw new Error(`${catalogueFile} has no service ${SERVICE.name}`);
  return service;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;
}
