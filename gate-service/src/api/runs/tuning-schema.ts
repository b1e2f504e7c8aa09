/** What tuning did in a run, as the API answers it; the types are those of `runs/tuning-record.ts`. */
import { z } from 'zod';

const knobValueSchema = z.union([z.number(), z.boolean(), z.string()]);

const ratio = {
  change: z.number().describe('Challenger ÷ incumbent − 1: -0.1 is 10 % lower, which is better.'),
  low: z.number(),
  high: z.number(),
};

export const tuningEvaluationSchema = z
  .object({
    number: z.int().describe('Counts from 1.'),
    configurationHash: z.string(),
    source: z
      .enum(['expert', 'policy', 'critic', 'memory', 'rerun'])
      .describe(
        'Who proposed it: the expert rules, the learnt policy, the critics, a former run, or nobody anew.',
      ),
    reason: z.string(),
    changes: z
      .array(
        z.object({
          knob: z.string().describe('Of the tuner; it may lead several knobs of the stack.'),
          from: knobValueSchema,
          to: knobValueSchema,
          share: z
            .number()
            .optional()
            .describe('0–1: its part of the predicted change, where anything is known of that.'),
        }),
      )
      .readonly(),
    predicted: z
      .object({ ...ratio, safe: z.number().describe('0–1: that all limits hold.') })
      .optional()
      .describe('With its 90 % interval, before it was measured.'),
    measured: z
      .object({
        ...ratio,
        confidence: z.number().describe('Two-sided; the evaluations of a budget share the error.'),
        windows: z.int(),
      })
      .optional(),
    margins: z
      .array(
        z.object({
          metric: z.string().describe('As a threshold names it.'),
          max: z.number().describe('The limit: ms for a latency, 0–1 for errors.'),
          measured: z.number(),
          share: z.number().describe('(max − measured) ÷ max; below 0 it is broken.'),
        }),
      )
      .readonly(),
    verdict: z
      .enum(['under-way', 'adopted', 'rejected', 'unsafe', 'dropped', 'reverted'])
      .describe(
        '`unsafe`: a limit was broken or it could not be measured twice, and it is not entered again on this workload; `dropped`: it could not be measured; `reverted`: adopted, but not confirmed on fresh data, or taken back from production.',
      ),
    sentence: z.string().describe('What was measured, and why it ended so.'),
  })
  .meta({ id: 'TuningEvaluation' });

export const tuningSchema = z
  .object({
    outcome: z
      .enum(['skipped', 'under-way', 'kept', 'adopted', 'confirmed', 'reverted', 'broken-off'])
      .describe(
        '`skipped`: nothing was tried, the summary says why; `kept`: nothing better was shown, the incumbent stays; `adopted`: shown to be better; then `confirmed` on fresh data, or `reverted`, also when its promotion was taken back; `broken-off`: the run ended in the middle.',
      ),
    summary: z.string(),
    objective: z.string().describe('What is to be made small.'),
    budget: z.object({ evaluations: z.number(), seconds: z.number() }).optional(),
    memory: z.array(z.string()).readonly().describe('What was made of former runs.'),
    advice: z
      .array(z.string())
      .readonly()
      .optional()
      .describe('What the expert rules would change besides and no tuner turns: for a person.'),
    evaluations: z.array(tuningEvaluationSchema).readonly(),
  })
  .meta({ id: 'Tuning' });
