/** autocannon in a process of its own, as its command line is. Arguments: port, rate, seconds, connections, `as-is` or `raw`. */
import autocannon from 'autocannon';
import { FIRST_SECONDS } from './tool.ts';

const [port = 0, overallRate = 0, duration = 0, connections = 0] = process.argv
  .slice(2, 6)
  .map(Number);
const ignoreCoordinatedOmission = process.argv[6] === 'raw';

const rawMs: number[] = [];
let failed = 0;
const startedAt = performance.now();
const result = await new Promise<autocannon.Result>((resolve, reject) => {
  const instance = autocannon(
    {
      url: `http://127.0.0.1:${port}/read`,
      connections,
      overallRate,
      duration,
      ignoreCoordinatedOmission,
    },
    (error: unknown, done) => {
      if (error instanceof Error) reject(error);
      else resolve(done);
    },
  );
  instance.on('response', (_client, status, _bytes, milliseconds) => {
    if (status !== 200) failed += 1;
    else if (performance.now() - startedAt > FIRST_SECONDS * 1000) rawMs.push(milliseconds);
  });
});
const { p50, p99 } = result.latency;
process.stdout.write(
  JSON.stringify({ rawMs, corrected: { p50, p99 }, failed: failed + result.errors }),
);
