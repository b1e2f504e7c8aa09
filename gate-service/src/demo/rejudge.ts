import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { judge } from '../judge/judge.ts';
import type { ThresholdOutcome } from '../judge/judgement.ts';
import { parseThreshold } from '../judge/threshold.ts';
import { readSampleFile } from '../load/sample-file.ts';

/** The demo checks planted effects on intervals this wide. */
const CONFIDENCE = 0.999;

/** Judges a downloaded sample file again, with 99.9 % intervals. */
export async function rejudge(
  samples: Buffer,
  thresholds: readonly string[],
): Promise<readonly ThresholdOutcome[]> {
  const file = path.join(tmpdir(), `speed-gate-demo-${randomUUID()}.csv.gz`);
  try {
    await writeFile(file, samples);
    const measurement = await readSampleFile(file);
    return judge(measurement, thresholds.map(parseThreshold), { seed: 1, confidence: CONFIDENCE })
      .outcomes;
  } finally {
    await rm(file, { force: true });
  }
}
