/** The form of a knobs file; what stands between its parts is checked on loading. Pure. */
import { z } from 'zod';

/** Letters first, so that a name is one in expressions; nothing that every JavaScript object has. */
const nameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, {
    error: 'a name is 1 to 64 letters, digits and _ . -, beginning with a letter or _',
  })
  .refine((name) => !(name in {}) && name !== 'true' && name !== 'false', {
    error: 'this name has a meaning of its own; choose another',
  });

/** As far as differences and squares are numbers still. */
const numberSchema = z.number().min(-1e100).max(1e100);

const common = {
  name: nameSchema,
  description: z.string().max(300).optional().meta({ description: 'one line for a person' }),
  inactiveWhen: z
    .strictObject({ knob: z.string(), value: z.union([z.number(), z.boolean(), z.string()]) })
    .optional()
    .meta({ description: 'the knob has no effect while that knob has this value' }),
};

const range = {
  unit: z.string().max(20).optional().meta({ description: 'as a person writes it, e.g. ms' }),
  scale: z
    .enum(['linear', 'log'])
    .default('linear')
    .meta({ description: 'where equal steps are equally interesting; sizes and times: log' }),
};

interface Range {
  readonly low: number;
  readonly high: number;
  readonly scale: 'linear' | 'log';
  readonly start: number;
}

function checkRange(
  { low, high, scale, start }: Range,
  { addIssue }: { addIssue: (issue: { code: 'custom'; path: string[]; message: string }) => void },
): void {
  const refuse = (field: string, message: string): void => {
    addIssue({ code: 'custom', path: [field], message });
  };
  if (!(low < high)) refuse('high', `must be above low (${low}), got ${high}`);
  else if (start < low || start > high) {
    refuse('start', `must be within ${low}..${high}, got ${start}`);
  }
  if (scale === 'log' && low <= 0) {
    refuse('low', `must be above 0 on a logarithmic scale, got ${low}`);
  }
}

const choiceSchema = z.string().min(1).max(64);

export const knobSchema = z.discriminatedUnion(
  'kind',
  [
    z
      .strictObject({
        ...common,
        kind: z.literal('integer'),
        low: z.int(),
        high: z.int(),
        start: z.int(),
        ...range,
      })
      .superRefine(checkRange),
    z
      .strictObject({
        ...common,
        kind: z.literal('real'),
        low: numberSchema,
        high: numberSchema,
        start: numberSchema,
        ...range,
      })
      .superRefine(checkRange),
    z.strictObject({ ...common, kind: z.literal('boolean'), start: z.boolean() }),
    z
      .strictObject({
        ...common,
        kind: z.literal('categorical'),
        choices: z.array(choiceSchema).min(2).max(50),
        start: z.string(),
      })
      .superRefine(({ choices, start }, context) => {
        if (new Set(choices).size < choices.length) {
          context.addIssue({
            code: 'custom',
            path: ['choices'],
            message: 'a choice stands there twice',
          });
        }
        if (!choices.includes(start)) {
          context.addIssue({
            code: 'custom',
            path: ['start'],
            message: `must be one of ${choices.join(', ')}, got ${JSON.stringify(start)}`,
          });
        }
      }),
  ],
  {
    error: ({ input }) =>
      typeof input === 'object'
        ? 'expected integer, real, boolean or categorical'
        : 'expected a knob, {"name": …, "kind": …, …}',
  },
);
export type KnobDeclaration = z.infer<typeof knobSchema>;

export const limitSchema = z.strictObject({ metric: nameSchema, max: numberSchema });

export const knobsFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    knobs: z
      .array(knobSchema)
      .min(1, 'at least one knob is needed')
      .max(100)
      .meta({ description: 'what may be turned; start values together are measured first' }),
    constraints: z.array(z.string()).max(100).default([]).meta({
      description:
        'must hold in every configuration, e.g. "workers % threads == 0"; names of knobs and of the context, numbers, "words", + - * / %, comparisons, && || ! and parentheses',
    }),
    limits: z.array(limitSchema).max(20).default([]).meta({
      description: 'a configuration whose metric is above its limit is unsafe',
    }),
    context: z.record(nameSchema, numberSchema).default({}).meta({
      description: 'the workload in numbers: experience is carried over by its similarity',
    }),
  })
  .meta({ description: 'What speed-gate tune tunes' });
export type KnobsFile = z.infer<typeof knobsFileSchema>;

/** JSON Schema (2020-12) of a knobs file, for editors; what it cannot say is checked on loading. */
export function knobsJsonSchema(): object {
  return {
    ...z.toJSONSchema(knobsFileSchema, { io: 'input' }),
    title: 'Speed Gate knobs file',
  };
}
