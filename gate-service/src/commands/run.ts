/** `speed-gate run`: one gate run on this machine, without the service. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { describeRun } from '../demo/report.ts';
import type { Decision, RunView } from '../runs/run.ts';
import { localPlatformStatus } from '../platforms/local/existing-platform.ts';
import { readCatalogue } from '../settings/catalogue-file.ts';
import { openGate, type Gate } from './gate.ts';
import { stateOption } from './state-option.ts';

const ACTOR = 'speed-gate run';

const usage = `usage: npm run speed-gate -- run --catalogue FILE --service NAME --build NEW.war [OPTION …]
  --baseline OLD.war   the build in production, for a service that has none yet
  --promote WHEN       auto, manual or never (default: the catalogue's)
  --profile PROFILE    standard or quick (about 20 s of measuring)
  --label TEXT         what you call this build
  --state DIR          state folder (default: that of the service)
  --keep               leave the components running, and take those that run already; end them with "speed-gate down"`;

/** Exit code 0 for pass and promote, 1 for rollback, 2 for wrong arguments. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      baseline: { type: 'string' },
      build: { type: 'string' },
      catalogue: { type: 'string' },
      keep: { type: 'boolean', default: false },
      label: { type: 'string' },
      profile: { type: 'string' },
      promote: { type: 'string' },
      service: { type: 'string' },
      state: { type: 'string' },
    },
  });
  const { build, catalogue: catalogueFile, service } = values;
  if (build === undefined || catalogueFile === undefined || service === undefined) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const catalogue = await readCatalogue(path.resolve(catalogueFile));
  const stateDirectory = stateOption(values.state);
  if (!values.keep) await requireNothingRuns(stateDirectory);
  const gate = await openGate({
    stateDirectory,
    catalogue,
    ports: { staging: 0, production: 0 },
    log: pino({ level: process.env.SPEED_GATE_LOG_LEVEL ?? 'warn' }, pino.destination(2)),
  });
  const interrupted = new AbortController();
  const interrupt = (): void => {
    interrupted.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    console.error(`starting the local platform in ${stateDirectory}`);
    await startAlone(gate, stateDirectory);
    if (values.baseline !== undefined) {
      console.error(`bringing ${values.baseline} into production`);
      await gate.ensureProduction(service, await gate.addBuild(values.baseline, ACTOR), ACTOR);
    }
    const { run: submitted } = await gate.runs.service.submit(
      {
        service,
        build: await gate.addBuild(build, ACTOR),
        label: values.label ?? path.basename(build),
        ...(values.promote === undefined ? {} : { promote: promoteOption(values.promote) }),
        ...(values.profile === undefined ? {} : { profile: profileOption(values.profile) }),
      },
      ACTOR,
    );
    const finished = await follow(gate, submitted.id, interrupted.signal);
    console.log(describeRun(finished).join('\n'));
    process.exitCode = exitCodeOf(finished.decision);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    const { here } = gate.runs.driving();
    await gate.close();
    if (here && !values.keep) await gate.down();
  }
}

/** 0 only for what may go on. */
export function exitCodeOf(decision: Decision | undefined): 0 | 1 {
  return decision === 'pass' || decision === 'promote' ? 0 : 1;
}

/**
 * At its end the command ends every component in the folder, and must not end what others rely on.
 * @throws Error when components of an earlier start run there, a production that serves perhaps
 */
export async function requireNothingRuns(
  stateDirectory: string,
  statusOf = localPlatformStatus,
): Promise<void> {
  const running = (await statusOf(stateDirectory)).filter((component) => component.running);
  if (running.length === 0) return;
  throw new Error(
    `${running.map(({ name }) => name).join(', ')} of an earlier start run below ${stateDirectory}, and would be ended with this run: choose another folder with --state, leave everything running with --keep, or end them first with "speed-gate down"`,
  );
}

/** @throws Error when another process drives what is in this state folder */
async function startAlone(gate: Gate, stateDirectory: string): Promise<void> {
  if ((await gate.runs.start()) === 'driving') return;
  const { holder } = gate.runs.driving();
  throw new Error(
    `${holder ?? 'Another process'} drives the runs of ${stateDirectory}: submit to that service, end it, or choose another folder with --state`,
  );
}

/** Says each event; an interrupt cancels the run, and its end is still waited for. */
async function follow(gate: Gate, id: string, interrupted: AbortSignal): Promise<RunView> {
  const { service } = gate.runs;
  const cancel = (): void => {
    service.cancel(id, ACTOR).catch((error: unknown) => {
      console.error(`the run could not be cancelled: ${String(error)}`);
    });
  };
  interrupted.addEventListener('abort', cancel);
  const finished = Promise.withResolvers<undefined>();
  let said = 0;
  const say = (sequence: number, message: string, type: string): void => {
    if (sequence <= said) return;
    said = sequence;
    console.error(`  ${message}`);
    if (type === 'decision') finished.resolve(undefined);
  };
  const unsubscribe = service.subscribe(id, ({ message, sequence, type }) => {
    say(sequence, message, type);
  });
  try {
    for (const { message, sequence, type } of await service.events(id, 0)) {
      say(sequence, message, type);
    }
    if (interrupted.aborted) cancel();
    await finished.promise;
    const view = await service.get(id);
    if (view?.phase !== 'finished') throw new Error(`run ${id} has a decision but is not finished`);
    return view;
  } finally {
    unsubscribe();
    interrupted.removeEventListener('abort', cancel);
  }
}

function promoteOption(text: string): 'auto' | 'manual' | 'never' {
  if (text === 'auto' || text === 'manual' || text === 'never') return text;
  throw new Error(`--promote ${text}: expected auto, manual or never`);
}

function profileOption(text: string): 'standard' | 'quick' {
  if (text === 'standard' || text === 'quick') return text;
  throw new Error(`--profile ${text}: expected standard or quick`);
}
