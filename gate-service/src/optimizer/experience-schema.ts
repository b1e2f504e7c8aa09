/** Shapes of what comes back from a store: experience and snapshots. */
import { z } from 'zod';
import type { Experience } from './tuner.ts';

const finite = z.number();
const values = z.record(z.string(), z.union([finite, z.boolean(), z.string()]));
const numbers = z.record(z.string(), finite);

const trial = z.strictObject({
  values,
  value: finite.exactOptional(),
  metrics: numbers.exactOptional(),
  unsafe: z.boolean(),
});

const policy = z.strictObject({
  updates: z.int().nonnegative(),
  numeric: z.record(z.string(), z.strictObject({ mean: finite, sd: z.number().positive() })),
  categorical: z.record(z.string(), numbers),
});

/** Parses what {@link Tuner.experience} gave; `version` tells of newer files. */
export const experienceSchema = z.strictObject({
  version: z.literal(1),
  space: z.string(),
  sessions: z.array(
    z.strictObject({
      context: numbers,
      start: values,
      trials: z.array(trial),
      policy,
      adopted: values.exactOptional(),
      violators: z.array(values),
    }),
  ),
});

// Holds the schema against the type at compile time.
export const parseExperience = (from: unknown): Experience => experienceSchema.parse(from);
