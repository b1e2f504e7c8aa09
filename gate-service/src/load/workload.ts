/** What is sent to a service: named requests with weights, and how fast. Read from YAML in the application's repository. */
import { z } from 'zod';
import { bodyPatternProblem } from './body-pattern.ts';
import { meanFactor, phasesSchema } from './phases.ts';
import { columnsIn, unknownPlaceholders } from './placeholders.ts';
import { charactersOf, dataTableSchema, MAX_DATA_CHARACTERS } from './workload-data.ts';

export { renderRequest, type RenderedRequest } from './render-request.ts';

/** Set by the sender or by HTTP itself; a workload may not speak for them. */
const RESERVED_HEADERS =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|x-speed-gate-.*)$/i;
/** A token of RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Visible characters, space and tab: no line break can smuggle in a header. */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
/** Visible ASCII without `#`: everything else is percent-encoded in a URL. */
const PATH = /^[\x21\x22\x24-\x7e]*$/;

const templateText = z.string().superRefine((text, context) => {
  for (const whole of unknownPlaceholders(text)) {
    context.addIssue({
      code: 'custom',
      message: `${whole} is not known; there are \${sequence}, the number of the pair, and \${data.COLUMN}, a value of its row of data`,
    });
  }
});

const headersSchema = z.record(z.string(), templateText).superRefine((headers, context) => {
  const refuse = (name: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [name], message });
  };
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name)) refuse(name, 'is not a header name');
    else if (RESERVED_HEADERS.test(name)) refuse(name, 'is set by the sender; leave it out');
    else if (!HEADER_VALUE.test(value)) refuse(name, 'may hold visible ASCII and spaces only');
  }
});

const statusSchema = z.int().min(100).max(599);

const expectSchema = z
  .strictObject({
    /** One or several; any status below 400 is fine when absent. */
    status: z
      .union([statusSchema, z.array(statusSchema).min(1).max(20)], {
        error: 'is a status from 100 to 599, or a list of such',
      })
      .optional(),
    /** Regular expression that the body must match somewhere; see body-pattern.ts. */
    bodyPattern: z
      .string()
      .superRefine((pattern, context) => {
        const problem = bodyPatternProblem(pattern);
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
      })
      .optional(),
  })
  .default({});

/** The fields of a request but its data, which a workload file may name and a run's workload holds. */
export const requestKindShape = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes'),
  /** Counts of an access log fit in; sums of the largest stay exact enough. */
  weight: z.number().positive().max(1e12).default(1),
  method: z.enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  /** May hold placeholders, whose values are the same for both arms of a pair. */
  path: templateText
    .startsWith('/', 'starts with "/"')
    .refine((path) => PATH.test(path), 'visible ASCII without "#"; percent-encode the rest'),
  headers: headersSchema.default({}),
  body: templateText.optional(),
  expect: expectSchema,
};

export const requestKindSchema = z
  .strictObject({ ...requestKindShape, data: dataTableSchema.optional() })
  .superRefine(({ method, path, headers, body, expect, data }, context) => {
    const refuse = (at: readonly string[], message: string): void => {
      context.addIssue({ code: 'custom', path: [...at], message });
    };
    if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
      refuse(['body'], `a ${method} carries no body`);
    }
    if (expect.bodyPattern !== undefined && method === 'HEAD') {
      refuse(['expect', 'bodyPattern'], 'the answer to a HEAD has no body');
    }
    const known = new Set(data?.columns);
    const check = (at: readonly string[], text: string): void => {
      for (const column of columnsIn(text)) {
        if (known.has(column)) continue;
        const there = data === undefined ? 'there is no data' : `data has ${[...known].join(', ')}`;
        refuse(at, `\${data.${column}} has no column: ${there}`);
      }
    };
    check(['path'], path);
    if (body !== undefined) check(['body'], body);
    for (const [name, value] of Object.entries(headers)) {
      check(['headers', name], value);
      for (const column of columnsIn(value)) {
        const index = data?.columns.indexOf(column) ?? -1;
        const row = data?.rows.findIndex((values) => !HEADER_VALUE.test(values[index] ?? '')) ?? -1;
        if (row < 0) continue;
        refuse(['headers', name], `row ${row + 1} of data.${column} does not fit into a header`);
      }
    }
  });
export type RequestKind = z.infer<typeof requestKindSchema>;

/** Highest rate of requests per second to each arm, in any phase. */
export const MAX_RATE = 10_000;

/** The fields of a workload but its requests and their data. */
export const workloadShape = {
  /** Requests per second to each arm; with phases, at factor 1. */
  rate: z.number().positive().max(MAX_RATE),
  arrivals: z.enum(['poisson', 'constant']).default('poisson'),
  freshConnections: z.number().min(0).max(1).default(0),
  phases: phasesSchema.optional(),
};

/** A workload as a run is asked with: data and all. Files name their data; see workload-file.ts. */
export const workloadSchema = z
  .strictObject(
    {
      ...workloadShape,
      requests: z
        .array(requestKindSchema)
        .min(1, 'a workload needs at least one request')
        .superRefine(checkNames),
    },
    {
      error: ({ code, keys }) =>
        code === 'unrecognized_keys' && Array.isArray(keys) && keys.includes('data')
          ? 'data stands in a workload file only; `speed-gate workload inline FILE` puts its values into the requests'
          : undefined,
    },
  )
  .superRefine(({ rate, phases, requests }, context) => {
    phases?.steps.forEach(({ factor }, index) => {
      if (rate * factor <= MAX_RATE) return;
      context.addIssue({
        code: 'custom',
        path: ['phases', 'steps', index, 'factor'],
        message: `makes ${rate * factor} requests per second of a rate of ${rate}; at most ${MAX_RATE} are allowed`,
      });
    });
    const characters = requests.reduce(
      (sum, { data }) => sum + (data === undefined ? 0 : charactersOf(data)),
      0,
    );
    if (characters <= MAX_DATA_CHARACTERS) return;
    context.addIssue({
      code: 'custom',
      path: ['requests'],
      message: `their data has ${characters} characters; at most ${MAX_DATA_CHARACTERS} are allowed: take fewer rows or columns`,
    });
  });
export type Workload = z.infer<typeof workloadSchema>;

/** Methods that RFC 9110, section 9.2.1 calls safe: nothing changes when they are replayed. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Idempotent by RFC 9110, section 9.2.2: sending twice does what sending once does. */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([...SAFE_METHODS, 'PUT', 'DELETE']);

/** Whether sending the request twice does the same as sending it once, judged by its method. */
export function isIdempotent({ method }: Pick<RequestKind, 'method'>): boolean {
  return IDEMPOTENT_METHODS.has(method);
}

/** Whether the request only reads, judged by its method. */
export function isSafe({ method }: Pick<RequestKind, 'method'>): boolean {
  return SAFE_METHODS.has(method);
}

/** Requests that may change more than once when they go to both arms of a pair; shown to the person who wrote them. */
export function nonIdempotentRequests(workload: Workload): readonly RequestKind[] {
  return workload.requests.filter((kind) => !isIdempotent(kind));
}

/** Requests per second to each arm on average: over a cycle of its phases, or after phases that end. */
export function meanRate({ rate, phases }: Pick<Workload, 'rate' | 'phases'>): number {
  return rate * meanFactor(phases);
}

function checkNames(
  requests: readonly { readonly name: string }[],
  context: z.RefinementCtx,
): void {
  const seen = new Set<string>();
  requests.forEach(({ name }, index) => {
    if (seen.has(name)) {
      const message = `"${name}" is the name of another request too; thresholds go by name`;
      context.addIssue({ code: 'custom', path: [index, 'name'], message });
    }
    seen.add(name);
  });
}
