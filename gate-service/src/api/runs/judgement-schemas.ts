/** A judgement as the API answers it: with what went into it, and what it is a repetition of. */
import { z } from 'zod';
import type { JudgementRecord } from '../../runs/run-store.ts';
import { idSchema, instantSchema } from '../schemas.ts';
import { judgementSchema } from './schemas.ts';

export const judgementRecordSchema = z
  .object({
    id: idSchema,
    deciding: z.boolean().describe('Whether the decision rests on this one.'),
    rejudges: idSchema
      .optional()
      .describe('The run’s own judgement of the same measurement, where this one came later.'),
    at: instantSchema,
    by: z.string().describe('`run`, or who asked for it to be judged again.'),
    measurement: z.string(),
    thresholds: z.array(z.string()).readonly(),
    shown: z.array(z.string()).readonly(),
    options: z.record(z.string(), z.unknown()),
    judgement: judgementSchema,
  })
  .meta({ id: 'JudgementRecord' });

/** @param deciding id of the judgement that the run's decision rests on */
export function judgementView(record: JudgementRecord, deciding: string | undefined) {
  return {
    id: record.id,
    deciding: record.id === deciding,
    ...(record.rejudges !== undefined && { rejudges: record.rejudges }),
    at: record.at,
    by: record.by,
    measurement: record.measurementId,
    thresholds: record.thresholds,
    shown: record.shown,
    options: record.options,
    judgement: record.judgement,
  };
}
