/** What a memory directory holds: what sessions learnt, and the one that is under way. */
import { z } from 'zod';
import { experienceSchema } from '../../optimizer/experience-schema.ts';
import type { Knobs } from '../../optimizer/space/knob-space.ts';
import type { Experience, TunerSnapshot } from '../../optimizer/tuner.ts';

export const FORMAT = 'speed-gate-tuner-memory';
export const VERSION = 1;

/** A session that has not ended. */
export interface OpenSession {
  /** Hash of what is tuned: knobs, constraints, limits, start and context. */
  readonly problem: string;
  readonly budget: number;
  readonly seed: number;
  readonly snapshot: TunerSnapshot;
}

export interface MemoryContent {
  /** A line for each knob, for words about a memory of other knobs. */
  readonly knobs: readonly string[];
  /** Of the open session, too, as far as it has come. */
  readonly experience: Experience;
  readonly session?: OpenSession;
}

/** Told apart first: what is no memory at all, and what a later version wrote. */
export const headSchema = z.looseObject({ format: z.literal(FORMAT), version: z.int() });

/**
 * Its frame alone: the tuner checks the whole before it goes on from it, and a session that it refuses
 * can be left with --fresh, without the loss of what others taught.
 */
const snapshotSchema = z
  .looseObject({
    version: z.literal(1),
    space: z.string(),
    options: z.looseObject({ budget: z.int(), seed: z.int() }),
    steps: z.array(z.looseObject({})),
  })
  .transform((snapshot) => snapshot as unknown as TunerSnapshot);

export const memoryContentSchema = z.object({
  knobs: z.array(z.string()),
  experience: experienceSchema,
  session: z
    .object({
      problem: z.string(),
      budget: z.int(),
      seed: z.int(),
      snapshot: snapshotSchema,
    })
    .optional(),
});

/** A line for each knob: what the hash of the space is over, in words. */
export function describeKnobs(knobs: Knobs): readonly string[] {
  return Object.entries(knobs).map(([name, knob]) => {
    const range =
      'scale' in knob
        ? ` ${knob.minimum}..${knob.maximum} ${knob.scale}`
        : 'categories' in knob
          ? ` ${knob.categories.join('|')}`
          : '';
    const by = knob.deactivatedBy;
    const unless = by === undefined ? '' : ` unless ${by.knob} = ${String(by.value)}`;
    return `${name}: ${knob.kind}${range}${unless}`;
  });
}
