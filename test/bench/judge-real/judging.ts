/** Judges what the record holds, by the gate and by its peers, from the stored files alone. */
import path from 'node:path';
import type { Judgement } from '../../../gate-service/src/judge/judgement.ts';
import { parseThreshold, type Threshold } from '../../../gate-service/src/judge/threshold.ts';
import { readSampleFile } from '../../../gate-service/src/load/sample-file.ts';
import type { Measurement } from '../../../gate-service/src/load/sample.ts';
import type { CatalogueService } from '../../../gate-service/src/settings/catalogue.ts';
import type { PushRecord } from './record.ts';
import type { JudgedPush } from './rows.ts';
import { gateVerdict, peerVerdicts, scaleMargin } from './verdicts.ts';

export interface Rules {
  /** As written. */
  readonly texts: readonly string[];
  readonly thresholds: readonly Threshold[];
  readonly shown: readonly Threshold[];
  readonly windowSeconds: number;
}

/**
 * The demo's thresholds with a part of their margins: to call a build that is 10 % slower breached
 * is right only where clearly less than 10 % is allowed.
 */
export function rulesOf(
  { shown, thresholds }: CatalogueService,
  { marginFactor, windowSeconds }: { marginFactor: number; windowSeconds: number },
): Rules {
  const texts = thresholds.map((text) => scaleMargin(text, marginFactor));
  return {
    texts,
    thresholds: texts.map(parseThreshold),
    shown: shown.map(parseThreshold),
    windowSeconds,
  };
}

/**
 * What could not be measured, or is worthless for a reason that has nothing to do with the effect, is invalid.
 * @throws SampleFileError when the push's file cannot be read any more
 */
export async function judgePush(
  { build, file, problems, seed }: PushRecord,
  folder: string,
  { shown, thresholds, windowSeconds }: Rules,
): Promise<JudgedPush> {
  const lost = { build, verdict: 'invalid', seconds: 0, effects: {} } as const;
  if (file === undefined) return { ...lost, because: ['not measured'] };
  const measurement = await readSampleFile(path.join(folder, file));
  const options = { seed, requirePlanted: true, shown };
  const { judgement, verdict, windows } = gateVerdict(measurement, thresholds, options);
  const peers = peersOn(measurement, thresholds);
  return {
    build,
    verdict: problems.length > 0 ? 'invalid' : verdict,
    seconds: windows * windowSeconds,
    because: [...(problems.length > 0 ? ['nodes'] : []), ...invalidBecause(judgement)],
    effects: Object.fromEntries(
      [...judgement.outcomes, ...judgement.shown].flatMap(({ effect, threshold }) =>
        effect === undefined ? [] : [[threshold, effect]],
      ),
    ),
    ...(peers === undefined ? {} : { peers }),
  };
}

/** One line for a person. */
export function describePush({ build, problems }: PushRecord, judged: JudgedPush): string {
  const effects = Object.entries(judged.effects)
    .filter(([threshold]) => threshold.includes('baseline'))
    .map(
      ([threshold, effect]) => `${threshold.split(' ')[0] ?? ''} ${(effect * 100).toFixed(1)} %`,
    );
  const reasons = judged.verdict === 'invalid' ? [...judged.because, ...problems] : [];
  const breachedBy = Object.entries(judged.peers ?? {})
    .filter(([, verdict]) => verdict === 'breached')
    .map(([peer]) => peer);
  return [
    `${build === 'same' ? 'same build' : 'slower build'}: ${judged.verdict}`,
    ...(reasons.length === 0 ? [] : [` (${reasons.join('; ')})`]),
    ` after ${judged.seconds} s`,
    ...(effects.length === 0 ? [] : [`, ${effects.join(', ')}`]),
    `; peers that fail it: ${judged.peers === undefined ? 'not asked' : breachedBy.join('; ') || 'none'}`,
  ].join('');
}

/** Controls that failed, and thresholds of which nothing can be said. */
function invalidBecause({ controls, outcomes }: Judgement): string[] {
  return [
    ...new Set([
      ...controls.filter(({ passed }) => !passed).map(({ control }) => control),
      ...outcomes.filter(({ outcome }) => outcome === 'invalid').map((one) => one.threshold),
    ]),
  ];
}

function peersOn(measurement: Measurement, thresholds: readonly Threshold[]): JudgedPush['peers'] {
  try {
    return peerVerdicts(measurement, thresholds);
  } catch (error) {
    // An arm without answers: nothing to compare.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
