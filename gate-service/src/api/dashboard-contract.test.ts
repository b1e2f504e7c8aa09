/** The dashboard is built without the service: here its idea of the answers is held against the real ones. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type * as dashboard from '../../dashboard/src/api/types.ts';
import { gunzip } from '../../dashboard/src/charts/gzip.ts';
import { windowsOf } from '../../dashboard/src/charts/sample-windows.ts';
import { borderOf, higherIsBetter, limitOf } from '../../dashboard/src/text/thresholds.ts';
import { CONTROLS } from '../../dashboard/src/text/words.ts';
import { amountInBaseUnit, lowerIsBetter, parseThreshold } from '../judge/threshold.ts';
import { appendMetadata, writeSampleFile } from '../load/sample-file.ts';
import type { Sample } from '../load/sample.ts';
import type { auditEntrySchema } from './audit/routes.ts';
import type { meSchema, signInSchema } from './identity/routes.ts';
import type { promotionSchema } from './promotions/schemas.ts';
import type { judgementRecordSchema } from './runs/judgement-schemas.ts';
import type { queueEntrySchema } from './runs/queue-routes.ts';
import { controlOutcomeSchema } from './runs/schemas.ts';
import type { runEventSchema, runInShortSchema, runSchema } from './runs/schemas.ts';
import type {
  configurationViewSchema,
  inForceSchema,
  referenceSchema,
  serviceSchema,
  trendPointSchema,
} from './services/schemas.ts';

/** Compiles only where every answer of the API is what the dashboard takes it for. */
const shapes = {
  AuditEntry: (answer: z.infer<typeof auditEntrySchema>): dashboard.AuditEntry => answer,
  InForce: (answer: z.infer<typeof inForceSchema>): dashboard.InForce => answer,
  JudgementRecord: (answer: z.infer<typeof judgementRecordSchema>): dashboard.JudgementRecord =>
    answer,
  Me: (answer: z.infer<typeof meSchema>): dashboard.Me => answer,
  Promotion: (answer: z.infer<typeof promotionSchema>): dashboard.Promotion => answer,
  QueueEntry: (answer: z.infer<typeof queueEntrySchema>): dashboard.QueueEntry => answer,
  Reference: (answer: z.infer<typeof referenceSchema>): dashboard.Reference => answer,
  Run: (answer: z.infer<typeof runSchema>): dashboard.Run => answer,
  RunInShort: (answer: z.infer<typeof runInShortSchema>): dashboard.RunInShort => answer,
  RunEvent: (answer: z.infer<typeof runEventSchema>): dashboard.RunEvent => answer,
  Service: (answer: z.infer<typeof serviceSchema>): dashboard.Service => answer,
  ServiceConfiguration: (
    answer: z.infer<typeof configurationViewSchema>,
  ): dashboard.ServiceConfiguration => answer,
  SignIn: (answer: z.infer<typeof signInSchema>): dashboard.SignIn => answer,
  TrendPoint: (answer: z.infer<typeof trendPointSchema>): dashboard.TrendPoint => answer,
};

describe('what the dashboard takes for granted', () => {
  it('is held against the schema of every answer that it asks for', async () => {
    const root = join(import.meta.dirname, '../../dashboard/src');
    const asked = new Set(['RunEvent']);
    for (const name of await readdir(root, { recursive: true })) {
      if (!/\.tsx?$/.test(name)) continue;
      const source = await readFile(join(root, name), 'utf8');
      const calls = source.matchAll(
        /\b(?:useResource|usePages|get|send|put)<(?:Page<)?([A-Z][A-Za-z]+)>/g,
      );
      for (const [, type = ''] of calls) asked.add(type);
    }
    expect([...asked].sort()).toEqual(Object.keys(shapes).sort());
  });

  it('every control has a name and says what it asks', () => {
    const controls = controlOutcomeSchema.shape.control.options;
    expect(Object.keys(CONTROLS).sort()).toEqual([...controls].sort());
  });

  it.each([
    ['p99 <= baseline + 5%', 'relative-change'],
    ['p99.9{kind=search-all} < baseline + 10ms', 'ms-change'],
    ['p95 < 200ms', 'ms'],
    ['p50 <= 1.5s', 'ms'],
    ['p50 <= 800us', 'ms'],
    ['errors < 0.1%', 'share'],
    ['errors <= baseline + 0.5%', 'share-change'],
    ['cpu_per_request <= baseline + 5%', 'relative-change'],
    ['throughput >= baseline - 5%', 'relative-change'],
    ['throughput >= 99%', 'share'],
    ['capacity >= baseline - 5%', 'relative-change'],
    ['capacity > 500/s', 'per-second'],
  ])('reads %s as the judge does', (text, axis) => {
    const threshold = parseThreshold(text);
    const limit = limitOf(text);
    expect(limit?.axis).toBe(axis);
    expect(Math.abs(limit?.value ?? NaN)).toBeCloseTo(amountInBaseUnit(threshold), 12);
    expect(higherIsBetter(text)).toBe(!lowerIsBetter(threshold.metric));
    const lies = threshold.against === 'baseline' && higherIsBetter(text) ? -1 : 1;
    expect(Math.sign(borderOf({ threshold: text, limit: amountInBaseUnit(threshold) }))).toBe(lies);
  });

  it('takes what is no threshold for none', () => {
    expect(limitOf('p99 is fine')).toBeUndefined();
  });

  it('reads the windows of a sample file as the sender writes it, in several gzip members', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'speed-gate-samples-'));
    try {
      const file = join(directory, 'm.csv.gz');
      await writeSampleFile(file, { windowsPlanned: 2, samples: [...samples()], fitness: [] });
      await appendMetadata(file, { steady: true });
      const packed = new Uint8Array(await readFile(file));
      const windows = windowsOf(await gunzip(packed));
      expect(windows).toEqual([
        {
          at: 0,
          arms: {
            baseline: { p50: 50, p95: 95, p99: 99 },
            candidate: { p50: 100, p95: 190, p99: 198 },
          },
        },
      ]);
      await expect(gunzip(packed.subarray(0, packed.length - 9))).rejects.toThrow();
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

/** A window of 100 pairs, the candidate twice as slow; warm-up before it and a planted block behind it. */
function* samples(): Generator<Sample> {
  const sample = {
    launch: 'n',
    kind: 'search',
    intendedUs: 0,
    latencyUs: 1000,
    status: 'ok',
  } as const;
  yield { ...sample, arm: 'baseline', window: -1 };
  for (let ms = 1; ms <= 100; ms += 1) {
    yield { ...sample, arm: 'baseline', window: 0, latencyUs: ms * 1000 };
    yield { ...sample, arm: 'candidate', window: 0, latencyUs: ms * 2000 };
  }
  yield { ...sample, arm: 'planted', window: 5 };
  yield { ...sample, arm: 'baseline', window: 5 };
}
