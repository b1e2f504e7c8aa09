/** A run as the API answers it; the types are those of `runs/run.ts`. */
import { z } from 'zod';
import { causeSchema, decisionSchema, runPhaseSchema } from '../../runs/run.ts';
import { idSchema, instantSchema } from '../schemas.ts';
import { tuningSchema } from './tuning-schema.ts';

const measured = z.number().optional();

export const thresholdOutcomeSchema = z
  .object({
    threshold: z.string(),
    outcome: z.enum(['met', 'breached', 'inconclusive', 'invalid']),
    unit: z
      .enum(['ratio', 'ms', 'share'])
      .describe('Of effect, low, high and limit: 0.05 as a ratio is 5 %; a share is 0–1.'),
    effect: measured,
    low: measured,
    high: measured,
    confidence: z.number(),
    limit: z.number(),
    minimumDetectableEffect: measured,
    baseline: measured,
    candidate: measured,
    valueUnit: z.enum(['ms', 'share', 'per-second', 'cpu-ms']).optional(),
    kinds: z.array(z.string()).readonly().optional(),
    sentence: z.string(),
  })
  .meta({ id: 'ThresholdOutcome' });

export const controlOutcomeSchema = z
  .object({
    control: z.enum(['same-build', 'nodes', 'planted', 'sender', 'counts', 'steady']),
    passed: z.boolean(),
    notRun: z
      .literal(true)
      .optional()
      .describe('There was nothing to check with; `passed` says whether that is acceptable.'),
    effect: measured,
    low: measured,
    high: measured,
    sentence: z.string(),
  })
  .meta({ id: 'ControlOutcome' });

const milliseconds = z.number();

export const hopsSchema = z
  .record(
    z.string().describe('Name of the arm.'),
    z.object({
      totalMs: milliseconds.describe('As the sender saw it, from the intended send time.'),
      proxyMs: milliseconds.describe('Proxies, sidecars, network, waiting for a connection.'),
      httpdMs: milliseconds,
      jettyMs: milliseconds.describe('Jetty with the application.'),
    }),
  )
  .describe('Mean latency by hop; the three hops add up to the total.')
  .meta({ id: 'HopsByArm' });

export const judgementSchema = z
  .object({
    decision: z.enum(['pass', 'rollback']),
    cause: z.enum(['met', 'breached', 'inconclusive', 'invalid']),
    outcomes: z.array(thresholdOutcomeSchema).readonly(),
    shown: z.array(thresholdOutcomeSchema).readonly(),
    controls: z.array(controlOutcomeSchema).readonly(),
    windows: z.object({ planned: z.number(), counted: z.number(), dropped: z.number() }),
    summary: z.string(),
    procedure: z.string(),
  })
  .meta({ id: 'Judgement' });

export const promotionStepSchema = z.object({
  weight: z.number().describe('Per cent of production traffic.'),
  outcome: z.enum(['held', 'skipped', 'breached', 'no-data']),
  sentence: z.string(),
});

export const queuePlaceSchema = z
  .object({
    ahead: z.int().describe('Runs that come before it, the one under way included.'),
    behind: idSchema.optional().describe('The run right before it.'),
    reason: z.string().describe('Why it waits, for a person.'),
  })
  .meta({ id: 'QueuePlace' });

const promotionSummarySchema = z.object({
  id: idSchema,
  state: z.enum(['running', 'completed', 'returned', 'failed']),
  steps: z.array(promotionStepSchema).readonly(),
});

export const overrideViewSchema = z
  .object({
    id: idSchema,
    actor: z.string(),
    reason: z.string(),
    order: z.enum(['promote', 'rollback']),
    at: instantSchema,
    expiresAt: instantSchema.describe('Latest moment at which it may act.'),
    state: z
      .enum(['waiting', 'acted', 'refused', 'expired', 'stands'])
      .describe(
        '`waiting` for the decision or for another promotion to end; `acted`: it started a promotion; `refused`: it could not be carried out; `expired` before it could act; `stands` beside the decision, with nothing to be done.',
      ),
    outcome: z.string().optional().describe('What came of it, for a person.'),
    cause: causeSchema.optional().describe('Of the decision that it stands beside.'),
    promotion: promotionSummarySchema.extend({ summary: z.string().optional() }).optional(),
  })
  .meta({ id: 'Override' });

export const runInShortSchema = z
  .object({
    id: idSchema,
    revision: z.string().describe('Changes with the run; the ETag that an override names.'),
    service: z.string(),
    build: z.string(),
    label: z.string().optional(),
    requestedBy: z.string(),
    startedBy: z
      .string()
      .optional()
      .describe('The person behind an automatic build, as the pipeline told it.'),
    createdAt: instantSchema,
    phase: runPhaseSchema,
    queue: queuePlaceSchema.optional().describe('While it is queued.'),
    earlierRuns: z
      .int()
      .describe('Runs of this build and service before this one, whatever became of them.'),
    loosened: z
      .array(z.string())
      .readonly()
      .optional()
      .describe('Where the request asked for less than the catalogue.'),
    cancel: z
      .object({ actor: z.string(), at: instantSchema })
      .optional()
      .describe('Somebody wants it to end.'),
    supersededBy: idSchema.optional().describe('The newer run that took its place in the queue.'),
    phases: z.array(z.object({ phase: runPhaseSchema, seconds: z.number() })).readonly(),
    against: z.enum(['production', 'reference']),
    baseline: z
      .object({ build: z.string(), configurationHash: z.string() })
      .optional()
      .describe('What the candidate was compared with, once that is known.'),
    decision: decisionSchema.optional().describe('Present once the run is finished.'),
    cause: causeSchema.optional(),
    summary: z.string().optional(),
    override: overrideViewSchema.optional().describe('The latest of `overrides`.'),
    overrides: z
      .array(overrideViewSchema)
      .readonly()
      .describe('Orders beside the decision, which stays as it was; oldest first.'),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'RunInShort' });

export const runSchema = runInShortSchema
  .extend({
    evidence: z.array(thresholdOutcomeSchema).readonly(),
    shown: z.array(thresholdOutcomeSchema).readonly().describe('Measured, never deciding.'),
    controls: z.array(controlOutcomeSchema).readonly(),
    codeEffect: z.array(thresholdOutcomeSchema).readonly().optional(),
    configurationEffect: z.array(thresholdOutcomeSchema).readonly().optional(),
    configuration: z
      .object({
        hash: z.string(),
        adopted: z.boolean(),
        values: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
      })
      .optional(),
    tuning: tuningSchema.optional().describe('What was tried for the stack, and what came of it.'),
    promotion: promotionSummarySchema.optional(),
    attempts: z
      .array(
        z.object({
          number: z.number(),
          purpose: z.enum(['measuring', 'tuning', 'confirming']),
          judgement: judgementSchema.optional(),
          sentence: z.string(),
          hops: hopsSchema.optional(),
        }),
      )
      .readonly(),
  })
  .meta({ id: 'Run' });

export const runEventSchema = z
  .object({
    runId: idSchema,
    sequence: z.int().describe('Rises by one in each run; the id of the server-sent event.'),
    at: instantSchema,
    type: z.enum([
      'phase',
      'progress',
      'attempt',
      'judgement',
      'tuning',
      'promotion',
      'decision',
      'problem',
      'override',
    ]),
    message: z.string().describe('One line for a person.'),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'RunEvent' });

/**
 * JSON has no infinity, and a quantile can be infinite (a request that never came back). Such a number is
 * left out, as everywhere where nothing could be estimated; the sentence beside it says what it was.
 */
export function withoutInfinities<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutInfinities) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => typeof field !== 'number' || Number.isFinite(field))
      .map(([name, field]) => [name, withoutInfinities(field) as unknown]),
  ) as T;
}
