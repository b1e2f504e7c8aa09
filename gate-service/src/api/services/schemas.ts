/** Services as the API answers them. */
import { z } from 'zod';
import type { ServiceView } from '../../runs/run-service.ts';
import { causeSchema, decisionSchema } from '../../runs/run.ts';
import { promotionSchema, promotionView } from '../promotions/schemas.ts';
import { overrideViewSchema, runInShortSchema } from '../runs/schemas.ts';
import { idSchema, instantSchema } from '../schemas.ts';

export const inForceSchema = z
  .object({
    build: z.string(),
    configurationHash: z.string(),
    armId: z.string(),
    since: instantSchema,
    promotionId: z.string(),
  })
  .meta({ id: 'InForce' });

export const referenceSchema = z
  .object({ build: z.string(), actor: z.string(), reason: z.string(), at: instantSchema })
  .describe('What runs with `against: reference` compare with.')
  .meta({ id: 'Reference' });

const rulesSchema = z
  .object({
    thresholds: z.array(z.string()).readonly(),
    shown: z.array(z.string()).readonly(),
    promote: z.enum(['auto', 'manual', 'never']).describe('Where the request does not say.'),
    fourEyes: z
      .boolean()
      .describe('A pass is promoted by a person, and somebody else than who asked for the run.'),
    supersede: z.boolean().describe('A newer run takes the place of queued ones.'),
    limits: z.object({
      queued: z.int(),
      attemptsPerBuild: z.int().optional(),
      tuneSeconds: z.number().describe('Longest `tune.seconds` that a run may ask for.'),
    }),
  })
  .describe('What the catalogue asks of every build.')
  .meta({ id: 'ServiceRules' });

export const serviceSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    rules: rulesSchema,
    inForce: inForceSchema
      .optional()
      .describe('What production runs; absent before the first promotion.'),
    lastKnownGood: inForceSchema.optional().describe('Where the button back leads.'),
    reference: referenceSchema.optional(),
    latestRun: runInShortSchema.optional(),
    promotion: promotionSchema.optional().describe('The one that is under way.'),
    links: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Service' });

export const decisionViewSchema = z
  .object({
    run: idSchema,
    build: z.string(),
    label: z.string().optional(),
    against: z.enum(['production', 'reference']),
    decision: decisionSchema,
    cause: causeSchema,
    summary: z.string(),
    requestedBy: z.string(),
    createdAt: instantSchema,
    finishedAt: instantSchema,
    earlierRuns: z.int(),
    loosened: z.array(z.string()).readonly().optional(),
    override: overrideViewSchema
      .pick({ order: true, actor: true, at: true, state: true })
      .optional()
      .describe('The latest order beside it.'),
  })
  .meta({ id: 'Decision' });

const configurationInForceSchema = inForceSchema.extend({
  values: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])).optional(),
});

export const configurationViewSchema = z
  .object({
    inForce: configurationInForceSchema.optional(),
    lastKnownGood: configurationInForceSchema.optional(),
  })
  .describe('Values of all knobs of the stack, by what runs with them.')
  .meta({ id: 'ServiceConfiguration' });

const measured = z.number().optional();

export const trendPointSchema = z
  .object({
    runId: idSchema,
    label: z.string().optional(),
    build: z.string(),
    finishedAt: instantSchema,
    decision: decisionSchema,
    cause: causeSchema,
    outcomes: z
      .array(
        z.object({
          threshold: z.string(),
          effect: measured,
          low: measured,
          high: measured,
          outcome: z.enum(['met', 'breached', 'inconclusive', 'invalid']),
        }),
      )
      .readonly()
      .describe('Of the judgement that the decision rests on.'),
  })
  .meta({ id: 'TrendPoint' });

export function serviceView(service: ServiceView) {
  const self = `/v1/services/${service.name}`;
  return {
    name: service.name,
    description: service.description,
    rules: service.rules,
    ...(service.inForce !== undefined && { inForce: service.inForce }),
    ...(service.lastKnownGood !== undefined && { lastKnownGood: service.lastKnownGood }),
    ...(service.reference !== undefined && { reference: service.reference }),
    ...(service.latestRun !== undefined && { latestRun: service.latestRun }),
    ...(service.promotion !== undefined && { promotion: promotionView(service.promotion) }),
    links: {
      self,
      history: `${self}/history`,
      decisions: `${self}/decisions`,
      trend: `${self}/trend`,
      configuration: `${self}/configuration`,
      promotions: `${self}/promotions`,
      runs: `/v1/runs?service=${service.name}`,
    },
  };
}
