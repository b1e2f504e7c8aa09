/** The evidence of a run: judgements with what went into them, and where the samples are. */
import { z } from 'zod';
import type { RunView } from '../../runs/run.ts';
import type { ApiStore } from '../dependencies.ts';
import { idSchema, instantSchema } from '../schemas.ts';
import { controlOutcomeSchema, judgementSchema, thresholdOutcomeSchema } from './schemas.ts';

const perArm = z.record(z.string(), z.number());

export const evidenceSchema = z
  .object({
    run: idSchema,
    service: z.string(),
    build: z.string(),
    decision: z.string().optional(),
    cause: z.string().optional(),
    evidence: z.array(thresholdOutcomeSchema).readonly(),
    controls: z.array(controlOutcomeSchema).readonly(),
    judgements: z.array(
      z.object({
        id: z.string(),
        deciding: z.boolean().describe('Whether the decision rests on this one.'),
        at: instantSchema,
        by: z.string(),
        measurement: z.string(),
        thresholds: z.array(z.string()).readonly(),
        shown: z.array(z.string()).readonly(),
        options: z.record(z.string(), z.unknown()),
        judgement: judgementSchema,
      }),
    ),
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
        windowsMeasured: z.int(),
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
        samples: z.string().describe('Where the samples are.'),
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
    evidence: run.evidence,
    controls: run.controls,
    judgements: judgements.map((one) => ({
      id: one.id,
      deciding: one.id === record?.judgementId,
      at: one.at,
      by: one.by,
      measurement: one.measurementId,
      thresholds: one.thresholds,
      shown: one.shown,
      options: one.options,
      judgement: one.judgement,
    })),
    // The answer's schema keeps what it names: where the file lies is not among it.
    measurements: measurements.map((one) => ({
      ...one,
      samples: `/v1/runs/${one.runId}/samples?measurement=${one.id}`,
    })),
  };
}
