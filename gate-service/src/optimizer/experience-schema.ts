/** Shapes of what comes back from a store: experience and snapshots. */
import { z } from 'zod';
import type { Experience } from './tuner.ts';

const finite = z.number();
export const valuesSchema = z.record(z.string(), z.union([finite, z.boolean(), z.string()]));
export const numbersSchema = z.record(z.string(), finite);

const trial = z.strictObject({
  values: valuesSchema,
  value: finite.exactOptional(),
  metrics: numbersSchema.exactOptional(),
  unsafe: z.boolean(),
});

export const policySchema = z.strictObject({
  updates: z.int().nonnegative(),
  numeric: z.record(z.string(), z.strictObject({ mean: finite, sd: z.number().positive() })),
  categorical: z.record(z.string(), numbersSchema),
});

/** Parses what {@link Tuner.experience} gave; `version` tells of newer files. */
export const experienceSchema = z.strictObject({
  version: z.literal(1),
  space: z.string(),
  sessions: z.array(
    z.strictObject({
      context: numbersSchema,
      start: valuesSchema,
      trials: z.array(trial),
      policy: policySchema,
      adopted: valuesSchema.exactOptional(),
      violators: z.array(valuesSchema),
      remnant: z.literal(true).exactOptional(),
    }),
  ),
});

// Holds the schema against the type at compile time.
export const parseExperience = (from: unknown): Experience => experienceSchema.parse(from);
