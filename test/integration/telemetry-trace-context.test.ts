/** Trace context on the requests of the real sender: each has an id of its own, which its row in the sample file tells. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ChildSender } from '../../gate-service/src/load/child-sender.ts';
import { readSampleFile } from '../../gate-service/src/load/sample-file.ts';
import type { MeasurementPlan } from '../../gate-service/src/load/sender.ts';
import { traceparentOf } from '../../gate-service/src/load/trace-context.ts';
import { loadWorkload } from '../../gate-service/src/load/workload-file.ts';
import { Listener, planFor, startTarget, type Target } from './sender-fixture.ts';

let folder: string;
let target: Target | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trace-context-'));
});
afterEach(() => target?.close());
afterAll(() => rm(folder, { recursive: true }));

/** The headers that came, by arm, and the file. */
async function measured(change: Partial<MeasurementPlan>) {
  const came: string[] = [];
  target = await startTarget(({ arm, planted }, response, request) => {
    came.push(`${planted ? 'planted' : arm} ${String(request.headers.traceparent)}`);
    response.end('fine');
  });
  const file = join(folder, 'samples.csv.gz');
  await new ChildSender().measure(
    planFor(target.port, change),
    file,
    new Listener(),
    new AbortController().signal,
  );
  return { came, file, measurement: await readSampleFile(file) };
}

it('is on every request, and follows from its row and the seed in the file', async () => {
  const planted = {
    name: 'planted',
    headers: { 'x-speed-gate-arm': 'baseline', 'x-speed-gate-planted': '1' },
    windows: 1,
    delayMs: 1,
  } as const;
  const { came, file, measurement } = await measured({ planted, seed: 4711 });
  const text = gunzipSync(await readFile(file)).toString();
  const seed = Number(/^# trace-seed: (\d+)$/m.exec(text)?.[1]);
  expect(seed).toBe(4711);
  expect(came.length).toBeGreaterThan(100);
  expect(new Set(came).size).toBe(came.length);
  expect(came.toSorted()).toEqual(
    measurement.samples
      .map(({ arm, intendedUs }) => `${arm} ${traceparentOf({ seed, arm, intendedUs })}`)
      .sort(),
  );
});

it("leaves a workload's own header", async () => {
  const own = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const workload = loadWorkload(
    `rate: 50\nrequests:\n  - { name: read, path: /, headers: { traceparent: ${own} } }\n`,
  );
  const { came } = await measured({ workload, windows: 1 });
  expect(new Set(came)).toEqual(new Set([`baseline ${own}`, `candidate ${own}`]));
});
