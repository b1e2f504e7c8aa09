/** Shape of a whole snapshot, as it comes back from a store. */
import { z } from 'zod';
import type { Hyperparameters } from './critics/hyperparameters.ts';
import {
  experienceSchema,
  numbersSchema,
  policySchema,
  valuesSchema,
} from './experience-schema.ts';
import type { Barrier } from './safety.ts';
import type { Race, RaceLap, Retreat, Screening, TunerState } from './tuner-state.ts';
import type {
  Decision,
  KnobShare,
  Margin,
  Observation,
  Prediction,
  Proposal,
  Step,
  TunerOptions,
  TunerSnapshot,
} from './tuner.ts';

/** Every field of a type has its line below: a new one without is an error of types. */
type Shape<T> = Readonly<Record<keyof T, z.ZodType>>;

const finite = z.number();
const share = finite.min(0).max(1);
const count = z.int().nonnegative();
const knobValue = z.union([finite, z.boolean(), z.string()]);

const prediction = z.strictObject({
  change: finite,
  low: finite,
  high: finite,
  reference: finite.exactOptional(),
  safe: share,
  knobs: z.array(
    z.strictObject({
      name: z.string(),
      from: knobValue,
      to: knobValue,
      share,
    } satisfies Shape<KnobShare>),
  ),
} satisfies Shape<Prediction>);

const proposal = z.strictObject({
  id: z.int().positive(),
  values: valuesSchema,
  source: z.enum(['start', 'expert', 'policy', 'critic', 'memory', 'rerun']),
  reason: z.string(),
  predicted: prediction.exactOptional(),
} satisfies Shape<Proposal>);

const observation = z.strictObject({
  value: finite.exactOptional(),
  metrics: numbersSchema.exactOptional(),
  unsafe: z.boolean().exactOptional(),
  aborted: z.string().exactOptional(),
  logRatios: z.array(finite).exactOptional(),
} satisfies Shape<Observation>);

const effect = z.strictObject({
  change: finite,
  low: finite,
  high: finite,
  confidence: share,
  comparisons: count,
  reference: finite.exactOptional(),
} satisfies Shape<NonNullable<Decision['effect']>>);

const decision = z.strictObject({
  id: z.int().positive(),
  verdict: z.enum(['started', 'noted', 'adopted', 'rejected', 'unsafe']),
  adopted: z.boolean(),
  incumbent: valuesSchema,
  sentence: z.string(),
  margins: z.array(
    z.strictObject({
      metric: z.string(),
      max: finite,
      measured: finite,
      share: finite,
    } satisfies Shape<Margin>),
  ),
  effect: effect.exactOptional(),
} satisfies Shape<Decision>);

const race = z.strictObject({
  challenger: valuesSchema,
  incumbent: valuesSchema,
  planned: z.int().positive(),
  laps: z.array(
    z.strictObject({
      lane: z.enum(['challenger', 'incumbent']),
      value: finite.exactOptional(),
      broken: z.boolean().exactOptional(),
    } satisfies Shape<RaceLap>),
  ),
} satisfies Shape<Race>);

const screening = z.strictObject({
  groups: z.array(numbersSchema),
  at: count,
  from: valuesSchema.exactOptional(),
  around: valuesSchema.exactOptional(),
} satisfies Shape<Screening>);

const hyperparameters = z.strictObject({
  lengths: z.array(finite.positive()),
  signal: finite.positive(),
  noise: finite.positive(),
} satisfies Shape<Hyperparameters>);

const state = z.strictObject({
  incumbents: z.array(valuesSchema).min(1),
  barriers: z.array(
    z.strictObject({ safe: valuesSchema, violator: valuesSchema } satisfies Shape<Barrier>),
  ),
  radius: finite.positive().max(1),
  failures: count,
  sinceProgress: count,
  leader: valuesSchema,
  milestones: z.array(valuesSchema),
  trends: z.array(numbersSchema),
  screening: screening.exactOptional(),
  race: race.exactOptional(),
  races: z.array(race),
  retreat: z
    .strictObject({
      radius: finite.nonnegative(),
      distance: finite.nonnegative(),
    } satisfies Shape<Retreat>)
    .exactOptional(),
  quiet: count,
  policy: policySchema,
  hyperparameters: z.record(z.string(), hyperparameters),
  fittedAt: count,
  ended: z.string().exactOptional(),
} satisfies Shape<TunerState>);

const options = z.strictObject({
  budget: z.int().positive(),
  seed: z.int(),
  experience: experienceSchema.exactOptional(),
  paired: z.boolean().exactOptional(),
} satisfies Shape<TunerOptions>);

export const snapshotSchema = z.strictObject({
  version: z.literal(1),
  space: z.string(),
  options,
  open: proposal.exactOptional(),
  steps: z.array(z.strictObject({ proposal, observation, decision } satisfies Shape<Step>)),
  state,
} satisfies Shape<TunerSnapshot>);

// Holds the schema against the type at compile time.
export const parseSnapshot = (from: unknown): z.ZodSafeParseResult<TunerSnapshot> =>
  snapshotSchema.safeParse(from);
