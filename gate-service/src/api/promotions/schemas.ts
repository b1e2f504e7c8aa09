/** A promotion as the API answers it. */
import { z } from 'zod';
import type { PromotionRecord } from '../../runs/run-store.ts';
import { promotionStepSchema } from '../runs/schemas.ts';
import { idSchema, instantSchema } from '../schemas.ts';

export const promotionSchema = z
  .object({
    id: idSchema,
    service: z.string(),
    build: z.string(),
    configuration: z.string(),
    origin: z.enum(['run', 'person', 'restore', 'controller', 'initial']),
    runId: idSchema.optional(),
    actor: z.string(),
    reason: z.string(),
    createdAt: instantSchema,
    state: z.enum(['running', 'completed', 'returned', 'failed']),
    stage: z.enum([
      'queued',
      'deploying',
      'warming',
      'weighting',
      'holding',
      'draining',
      'returning',
      'ended',
    ]),
    steps: z.array(promotionStepSchema.extend({ at: instantSchema })).readonly(),
    summary: z.string().optional().describe('Why it went back or failed.'),
    finishedAt: instantSchema.optional(),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Promotion' });

export function promotionView(promotion: PromotionRecord) {
  return {
    id: promotion.id,
    service: promotion.service,
    build: promotion.build,
    configuration: promotion.configurationHash,
    origin: promotion.origin,
    ...(promotion.runId !== undefined && { runId: promotion.runId }),
    actor: promotion.actor,
    reason: promotion.reason,
    createdAt: promotion.createdAt,
    state: promotion.state,
    stage: promotion.stage,
    steps: promotion.steps,
    ...(promotion.summary !== undefined && { summary: promotion.summary }),
    ...(promotion.finishedAt !== undefined && { finishedAt: promotion.finishedAt }),
    links: {
      self: `/v1/promotions/${promotion.id}`,
      service: `/v1/services/${promotion.service}`,
      ...(promotion.runId !== undefined && { run: `/v1/runs/${promotion.runId}` }),
    },
  };
}
