/** What the other side of a tuning dialogue may say, line by line. Pure. */
import { z } from 'zod';
import type { Observation } from '../../optimizer/tuner.ts';

export type Message =
  | {
      readonly kind: 'tell';
      readonly id: number;
      readonly observation: Observation;
      /** What was measured, when the line repeats it: must be what was asked for. */
      readonly configuration?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'end' };

export type ErrorCode =
  | 'line-too-long'
  | 'not-json'
  | 'illegal-message'
  | 'unknown-id'
  | 'other-configuration'
  | 'illegal-observation';

/** Longest words about a line, characters. */
const MAX_WORDS = 500;

/** A line that cannot be used; the dialogue goes on. */
export class MessageError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message.slice(0, MAX_WORDS));
    this.name = 'MessageError';
    this.code = code;
  }
}

/** Longest line, bytes. */
export const MAX_LINE_BYTES = 64 * 1024;
/** Each is kept with every evaluation. */
const MAX_METRICS = 64;

/** Beyond any measurement; sums and squares of larger ones are no numbers any more. */
export const LARGEST = 1e100;
const NO_VALUE =
  'where nothing could be measured leave it out and say "unsafe": true, or why in "aborted"';

const measured = z
  .number({
    error: ({ input }) =>
      input === Infinity || input === -Infinity
        ? `must be finite; ${NO_VALUE}`
        : `must be a number, got ${quoted(input)}; ${NO_VALUE}`,
  })
  .refine((value) => Math.abs(value) <= LARGEST, {
    error: `must be within ±${LARGEST}; ${NO_VALUE}`,
  });

/** Short, whatever came: a line may hold a long text, or lists in lists. */
function quoted(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && input !== null) return 'an object';
  return JSON.stringify(input).slice(0, 60);
}

const metric = z
  .number({ error: 'must be a finite number' })
  .refine((value) => Math.abs(value) <= LARGEST, { error: `must be within ±${LARGEST}` });

const tellSchema = z.strictObject({
  tell: z.int({ error: 'must be the number of an ask' }),
  value: measured.optional(),
  metrics: z
    .record(z.string().min(1).max(64), metric)
    .refine((metrics) => Object.keys(metrics).length <= MAX_METRICS, {
      error: `at most ${MAX_METRICS} metrics`,
    })
    .optional(),
  unsafe: z.boolean().optional(),
  aborted: z.string().min(1).max(500).optional(),
  configuration: z.record(z.string(), z.unknown()).optional(),
});

const endSchema = z.strictObject({ end: z.literal(true) });

/** @throws MessageError that says what is wrong with the line */
export function parseMessage(text: string): Message {
  const content = parseJson(text);
  if (typeof content === 'object' && content !== null && Object.hasOwn(content, 'end')) {
    parse(endSchema, content);
    return { kind: 'end' };
  }
  const { tell: id, configuration, ...rest } = parse(tellSchema, content);
  const observation = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined),
  ) as Observation;
  return {
    kind: 'tell',
    id,
    observation,
    ...(configuration === undefined ? {} : { configuration }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // What Python and others write for a number that is none.
    const notNumber = /\b(NaN|-?Infinity)\b/.exec(text)?.[0];
    const hint =
      notNumber === undefined
        ? `expected one object on one line, e.g. {"tell":1,"value":0.83}: ${error instanceof Error ? error.message : ''}`
        : `${notNumber} is no number in JSON; ${NO_VALUE}`;
    throw new MessageError('not-json', hint);
  }
}

function parse<T>(schema: z.ZodType<T>, content: unknown): T {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  if (typeof content !== 'object' || content === null || !('tell' in content || 'end' in content)) {
    throw new MessageError('illegal-message', 'expected {"tell":NUMBER,"value":…} or {"end":true}');
  }
  const words = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new MessageError('illegal-message', words.join('; '));
}
