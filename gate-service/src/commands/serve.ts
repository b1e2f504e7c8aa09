/** `speed-gate serve`: the gate service over HTTP. Settings come from `SPEED_GATE_*`. */
import { parseArgs } from 'node:util';
import { buildApp } from '../api/app.ts';
import { readCatalogue } from '../settings/catalogue-file.ts';
import { readSettings } from '../settings/environment.ts';
import { requireFreePort } from '../platforms/local/port-holder.ts';
import { openGate } from './gate.ts';
import { createLogger } from './logger.ts';
import { openCallers, requireLoopback } from './callers.ts';
import { stateOption } from './state-option.ts';
import { openSpans } from './spans.ts';
import { openWebhooks } from './webhooks.ts';

const MIB = 1024 * 1024;
const ACTOR = 'speed-gate serve';

/**
 * Serves until SIGTERM or SIGINT, then drains. The platform's components go on and are adopted by the
 * next start; `speed-gate down` ends them.
 * Options: `--production SERVICE=WAR` or, on Kubernetes, `SERVICE=REPOSITORY@sha256:HEX` (repeatable) brings a first build
 * into production where none is;
 * `--state DIR` comes before `SPEED_GATE_STATE`; `--insecure-loopback` takes requests without a token, and refuses
 * to listen anywhere but on loopback.
 */
export async function serve(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      production: { type: 'string', multiple: true, default: [] },
      state: { type: 'string' },
      'insecure-loopback': { type: 'boolean', default: false },
    },
  });
  const settings = readSettings(process.env);
  const insecureLoopback = values['insecure-loopback'];
  if (insecureLoopback) requireLoopback(settings);
  const stateDirectory = stateOption(values.state);
  const catalogue = await readCatalogue(settings.catalogueFile, settings.platform.kind);
  const log = createLogger(settings.logLevel);
  for (const warning of settings.warnings) log.warn(warning);
  if (insecureLoopback) {
    log.warn(
      'INSECURE: --insecure-loopback lets every process and person on this machine read, run and promote without a token',
    );
  }
  const { host, port } = settings.listen;
  // Before anything is started: a port that is taken must not be found out last.
  if (port !== 0) await requireFreePort(port, 'the API (SPEED_GATE_LISTEN)');
  const callers = await openCallers(settings, catalogue, insecureLoopback, log);
  // Newest first; the webhooks before the gate, whose store they need.
  const undo: (() => unknown)[] = [callers.close];
  const stopped = Promise.withResolvers<undefined>();
  try {
    const webhooks = await openWebhooks(settings.webhooksFile, log);
    const spans = openSpans(settings.otlpUrl, log);
    const gate = await openGate({
      stateDirectory,
      catalogue,
      platform: settings.platform,
      ports: settings.ports,
      maxBuildBytes: settings.maxBuildMiB * MIB,
      retentionDays: settings.retentionDays,
      ...(settings.databaseUrl !== undefined && { databaseUrl: settings.databaseUrl }),
      notifier: (store) => spans.listening(webhooks.notifier(store)),
      log,
      logEvents: true,
    });
    undo.unshift(
      () => webhooks.stop(),
      () => gate.abandon(),
      () => spans.close(),
    );
    const app = await buildApp({
      runs: gate.runs.service,
      store: gate.store,
      buildFiles: gate.buildFiles,
      platform: settings.platform.kind,
      tokens: callers.tokens,
      insecureLoopback,
      requestsPerMinute: settings.requestsPerMinute,
      stateDirectory,
      maxBuildBytes: settings.maxBuildMiB * MIB,
      drainMs: settings.drainSeconds * 1000,
      logger: log,
      wakeProblem: webhooks.wakeProblem,
    });
    undo.unshift(() => app.close());

    let stopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'draining');
      app.drain();
      app
        .close()
        .then(() => webhooks.stop())
        .then(() => gate.close())
        .then(() => spans.close())
        .finally(callers.close)
        .then(() => {
          stopped.resolve(undefined);
        }, stopped.reject);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);

    await gate.runs.start();
    for (const first of values.production) {
      const [service, war] = splitAssignment(first);
      await gate.ensureProduction(service, await gate.addBuild(war, ACTOR), ACTOR);
    }
    // Only now: who finds the service ready finds production there as well.
    await app.listen({ host, port });
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
  await stopped.promise;
}

function splitAssignment(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1)
    throw new Error(
      `--production ${text}: expected SERVICE=WAR, e.g. checkout=app.war or checkout=registry.example.com/checkout@sha256:…`,
    );
  return [text.slice(0, at), text.slice(at + 1)];
}
