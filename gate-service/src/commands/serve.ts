/** `speed-gate serve`: the gate service over HTTP with the local platform. Settings come from `SPEED_GATE_*`. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { buildApp } from '../api/app.ts';
import { identitiesOf, parseIdentities } from '../api/identity/identities-file.ts';
import { createTokenBook } from '../api/identity/token-book.ts';
import { readCatalogue } from '../settings/catalogue-file.ts';
import { readSettings } from '../settings/environment.ts';
import { requireFreePort } from '../platforms/local/port-holder.ts';
import { openGate } from './gate.ts';
import { stateOption } from './state-option.ts';

const MIB = 1024 * 1024;
const ACTOR = 'speed-gate serve';

/**
 * Serves until SIGTERM or SIGINT, then drains. The platform's components go on and are adopted by the
 * next start; `speed-gate down` ends them.
 * Options: `--production SERVICE=WAR` (repeatable) brings a first build into production where none is;
 * `--state DIR` comes before `SPEED_GATE_STATE`.
 */
export async function serve(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      production: { type: 'string', multiple: true, default: [] },
      state: { type: 'string' },
    },
  });
  const settings = readSettings(process.env);
  const stateDirectory = stateOption(values.state);
  const catalogue = await readCatalogue(settings.catalogueFile);
  const tokens =
    settings.tokensFile === undefined
      ? createTokenBook([])
      : identitiesOf(
          parseIdentities(await readFile(settings.tokensFile, 'utf8'), settings.tokensFile),
        );
  const log = pino({ level: settings.logLevel });
  if (settings.tokensFile === undefined) {
    log.warn('SPEED_GATE_TOKENS_FILE is not set: nobody but the health checks gets in');
  }
  const { host, port } = settings.listen;
  // Before anything is started: a port that is taken must not be found out last.
  if (port !== 0) await requireFreePort(port, 'the API (SPEED_GATE_LISTEN)');
  const gate = await openGate({
    stateDirectory,
    catalogue,
    ports: settings.ports,
    maxBuildBytes: settings.maxBuildMiB * MIB,
    log,
  });
  const app = await buildApp({
    runs: gate.runs.service,
    store: gate.store,
    buildFiles: gate.buildFiles,
    tokens,
    stateDirectory,
    maxBuildBytes: settings.maxBuildMiB * MIB,
    drainMs: settings.drainSeconds * 1000,
    logger: log,
  });

  const stopped = Promise.withResolvers<undefined>();
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'draining');
    app.drain();
    app
      .close()
      .then(() => gate.close())
      .then(() => {
        stopped.resolve(undefined);
      }, stopped.reject);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  try {
    await gate.runs.start();
    for (const first of values.production) {
      const [service, war] = splitAssignment(first);
      await gate.ensureProduction(service, await gate.addBuild(war, ACTOR), ACTOR);
    }
    // Only now: who finds the service ready finds production there as well.
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    await gate.abandon();
    throw error;
  }
  await stopped.promise;
}

function splitAssignment(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`--production ${text}: expected SERVICE=WAR, e.g. checkout=app.war`);
  return [text.slice(0, at), text.slice(at + 1)];
}
