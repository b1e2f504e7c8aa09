/** `npm run demo`: three pushes of the sample application against real nodes. */
import { parseArgs } from 'node:util';
import { playDemo } from '../demo/play.ts';
import { loadComponents } from '../settings/components.ts';

/** 128 + SIGINT, as shells have it. */
const EXIT_INTERRUPTED = 130;

/** Stays up after the last push until Ctrl-C, unless `--exit`. Exit code 0 only if all ended as it must. */
export async function demo(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { exit: { type: 'boolean', default: false } },
  });
  const startedAt = performance.now();
  const interrupted = new AbortController();
  const ended = Promise.withResolvers<undefined>();
  const interrupt = (): void => {
    interrupted.abort(new Error('interrupted'));
    ended.resolve(undefined);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const played = await playDemo({
    components: loadComponents(),
    say: (line) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
      console.log(line === '' ? '' : `${seconds}  ${line}`);
    },
    signal: interrupted.signal,
    look: async () => {
      if (values.exit) return;
      console.log('        Ctrl-C ends the demo and everything that it started.');
      await ended.promise;
    },
  }).catch((error: unknown) => {
    if (!interrupted.signal.aborted) throw error;
    return undefined;
  });
  if (played === undefined) {
    console.error('interrupted: everything that the demo had started was ended');
    process.exitCode = EXIT_INTERRUPTED;
    return;
  }
  const { wrong, ...result } = played;
  for (const problem of wrong) console.error(`not as it must be: ${problem}`);
  console.log(JSON.stringify(result));
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
