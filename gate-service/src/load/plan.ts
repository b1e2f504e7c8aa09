/** Checks a measurement plan where it enters the sender: caps that no caller can exceed. */
import { z } from 'zod';
import { armNames } from './sample.ts';
import type { MeasurementPlan } from './sender.ts';
import { workloadSchema } from './workload.ts';

const headersSchema = z.record(z.string(), z.string());
const armSchema = z.strictObject({ name: z.enum(armNames), headers: headersSchema });
const positive = z.number().positive();
/** 0.3 of all windows dropped is 0.3 / 0.7 of the planned ones. */
const MOST_REPLACED = 0.43;
/** Each has connections and a warm process of its own: more cost the nodes more than they tell. */
export const MOST_WORKERS = 64;

export const measurementPlanSchema = z
  .strictObject({
    service: z.string().min(1).optional(),
    target: z.strictObject({ host: z.string().min(1), port: z.int().min(1).max(65_535) }),
    authority: z.string().min(1),
    arms: z.tuple([armSchema, armSchema]),
    planted: z
      .strictObject({
        ...armSchema.shape,
        windows: z.int().min(1).max(1000),
        delayMs: z.number().positive().max(60_000),
        held: z.boolean().optional(),
      })
      .optional(),
    workload: workloadSchema,
    pairsPerSecond: positive.max(10_000),
    arrivals: z.enum(['poisson', 'constant']),
    windowSeconds: z.number().min(0.1).max(60),
    windows: z.int().min(1).max(10_000),
    replacements: z.int().min(0).optional(),
    blocks: z.strictObject({ seconds: z.number().min(2).max(5) }).optional(),
    warmup: z.strictObject({
      minSeconds: z.number().min(0).max(3600),
      maxSeconds: z.number().min(0).max(3600),
      minRequests: z.int().min(0),
    }),
    limits: z.strictObject({
      connections: z.int().min(1).max(10_000),
      requestTimeoutMs: positive.max(300_000),
      maxSeconds: positive.max(24 * 3600),
    }),
    freshConnections: z.number().min(0).max(1),
    seed: z.int(),
    traceSeed: z.int().optional(),
    ownPids: z.array(z.int().min(1)).optional(),
    contained: z.boolean().optional(),
    share: z
      .strictObject({ place: z.int().min(0), of: z.int().min(1).max(MOST_WORKERS) })
      .optional(),
    launchHeader: z.string().min(1).optional(),
  })
  .refine(({ warmup }) => warmup.maxSeconds >= warmup.minSeconds, {
    path: ['warmup', 'maxSeconds'],
    message: 'is at least minSeconds',
  })
  .refine(({ windows, replacements = 0 }) => replacements <= MOST_REPLACED * windows, {
    path: ['replacements'],
    message: `at most ${MOST_REPLACED} × windows: more than 30 % of all would be spoilt`,
  })
  .refine(
    ({ blocks, windowSeconds }) => blocks === undefined || windowSeconds === 2 * blocks.seconds,
    {
      path: ['windowSeconds'],
      message: 'is twice blocks.seconds: a window is a couple of blocks',
    },
  )
  .refine(({ share }) => share === undefined || share.place < share.of, {
    path: ['share', 'place'],
    message: 'is below share.of',
  })
  .refine(({ blocks, share }) => blocks === undefined || (share?.of ?? 1) === 1, {
    path: ['blocks'],
    message: 'cannot be shared out: whole blocks go to one arm, from one worker',
  })
  .refine(({ arms }) => arms[0].name !== arms[1].name, {
    path: ['arms'],
    message: 'two arms have two names',
  });

/**
 * @param json the plan as it was sent
 * @throws Error that lists what is wrong, by path
 */
export function parseMeasurementPlan(json: string): MeasurementPlan {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error('the measurement plan is not JSON', { cause: error });
  }
  const parsed = measurementPlanSchema.safeParse(value);
  if (parsed.success) return withoutAbsent(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`the measurement plan is not usable: ${problems.join('; ')}`);
}

/** zod types an absent key as possibly undefined; the contract has it absent. */
function withoutAbsent(plan: z.infer<typeof measurementPlanSchema>): MeasurementPlan {
  const { planted, replacements, blocks, ownPids, launchHeader, ...others } = plan;
  const { service, contained, share, traceSeed, ...rest } = others;
  return {
    ...rest,
    ...(planted === undefined ? {} : { planted: plantedOf(planted) }),
    ...(replacements === undefined ? {} : { replacements }),
    ...(blocks === undefined ? {} : { blocks }),
    ...(ownPids === undefined ? {} : { ownPids }),
    ...(service === undefined ? {} : { service }),
    ...(contained === undefined ? {} : { contained }),
    ...(share === undefined ? {} : { share }),
    ...(traceSeed === undefined ? {} : { traceSeed }),
    ...(launchHeader === undefined ? {} : { launchHeader }),
  };
}

function plantedOf({
  held,
  ...planted
}: NonNullable<z.infer<typeof measurementPlanSchema>['planted']>): NonNullable<
  MeasurementPlan['planted']
> {
  return { ...planted, ...(held === undefined ? {} : { held }) };
}
