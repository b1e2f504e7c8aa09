/** The evidence of a run: judgements with what went into them, and where the samples are. */
import { z } from 'zod';
import type { RunView } from '../../runs/run.ts';
import type { ApiStore } from '../dependencies.ts';
import { idSchema, instantSchema } from '../schemas.ts';
import { judgementRecordSchema, judgementView } from './judgement-schemas.ts';
import {
  controlOutcomeSchema,
  hopsSchema,
  overrideViewSchema,
  thresholdOutcomeSchema,
} from './schemas.ts';

const perArm = z.record(z.string(), z.number());

export const evidenceSchema = z
  .object({
    run: idSchema,
    service: z.string(),
    build: z.string(),
    decision: z.string().optional(),
    cause: z.string().optional(),
    requestedBy: z.string(),
    startedBy: z.string().optional(),
    earlierRuns: z.int(),
    loosened: z.array(z.string()).readonly().optional(),
    overrides: z.array(overrideViewSchema).readonly(),
    evidence: z.array(thresholdOutcomeSchema).readonly(),
    controls: z.array(controlOutcomeSchema).readonly(),
    judgements: z.array(judgementRecordSchema),
    measurements: z.array(
      z.object({
        id: z.string(),
        attempt: z.int(),
        purpose: z.enum(['measuring', 'tuning', 'confirming']),
        startedAt: instantSchema,
        endedAt: instantSchema,
        arms: z
          .array(
            z.object({
              name: z.string(),
              armId: z.string(),
              build: z.string(),
              configurationHash: z.string(),
            }),
          )
          .readonly(),
        windowsPlanned: z.int(),
        windowsMeasured: z.int().describe('Spoilt ones and those that replaced them included.'),
        windowsCounted: z.int().optional(),
        stoppedAt: z
          .int()
          .optional()
          .describe('Counted windows at the look that settled the question before the end.'),
        windowSeconds: z.number(),
        pairsPerSecond: z.number(),
        seed: z.number(),
        steady: z.boolean(),
        counters: z.object({
          sent: z.number(),
          received: z.number(),
          inFlight: z.number(),
          cpuSeconds: z.number(),
        }),
        plantedDelayUs: z.number().optional(),
        cpuSeconds: perArm.optional(),
        cpuSecondsByWindow: z
          .array(z.object({ window: z.int(), arm: z.string(), seconds: z.number() }))
          .readonly()
          .optional(),
        hops: hopsSchema.optional(),
        capacityByBlock: z
          .array(
            z.object({
              couple: z.int(),
              arm: z.string(),
              completedPerSecond: z.number(),
              completed: z.number(),
              failed: z.number(),
              generatorCores: z.number(),
            }),
          )
          .readonly()
          .optional(),
        samples: z.string().describe('Where the samples are.'),
        samplesPrunedAt: instantSchema.optional().describe('When the samples were removed.'),
      }),
    ),
  })
  .meta({ id: 'Evidence' });

type Evidence = z.infer<typeof evidenceSchema>;

/** Puts together what the store has; nothing is judged anew. */
export async function collectEvidence(store: ApiStore, run: RunView): Promise<Evidence> {
  const [record, judgements, measurements] = await Promise.all([
    store.run(run.id),
    store.judgements(run.id),
    store.measurements(run.id),
  ]);
  return {
    run: run.id,
    service: run.service,
    build: run.build,
    decision: run.decision,
    cause: run.cause,
    requestedBy: run.requestedBy,
    startedBy: run.startedBy,
    earlierRuns: run.earlierRuns,
    loosened: run.loosened,
    overrides: run.overrides,
    evidence: run.evidence,
    controls: run.controls,
    judgements: judgements.map((one) => judgementView(one, record?.judgementId)),
    // The answer's schema keeps what it names: where the file lies is not among it.
    measurements: measurements.map((one) => ({
      ...one,
      samples: `/v1/runs/${one.runId}/samples?measurement=${one.id}`,
    })),
  };
}
