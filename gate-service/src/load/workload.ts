/** What is sent to a service: named requests with weights, and how fast. Read from YAML in the application's repository. */
import { z } from 'zod';

/** Set by the sender or by HTTP itself; a workload may not speak for them. */
const RESERVED_HEADERS =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|x-speed-gate-.*)$/i;
/** A token of RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Visible characters, space and tab: no line break can smuggle in a header. */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
/** Visible ASCII without `#`: everything else is percent-encoded in a URL. */
const PATH = /^[\x21\x22\x24-\x7e]*$/;
const PLACEHOLDER = /\$\{([^}]*)\}/g;

const templateText = z.string().superRefine((text, context) => {
  for (const [whole, name] of text.matchAll(PLACEHOLDER)) {
    if (name !== 'sequence') {
      context.addIssue({
        code: 'custom',
        message: `${whole} is not known; the only placeholder is \${sequence}, the number of the pair`,
      });
    }
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

const expectSchema = z
  .strictObject({
    /** Any status below 400 is fine when absent. */
    status: z.int().min(100).max(599).optional(),
    /** Regular expression that the body must match somewhere. */
    bodyPattern: z
      .string()
      .superRefine((pattern, context) => {
        try {
          new RegExp(pattern);
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          context.addIssue({ code: 'custom', message });
        }
      })
      .optional(),
  })
  .default({});

export const requestKindSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes'),
    weight: z.number().positive().default(1),
    method: z.enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    /** May hold `${sequence}`, the number of the pair (the same for both arms). */
    path: templateText
      .startsWith('/', 'starts with "/"')
      .refine((path) => PATH.test(path), 'visible ASCII without "#"; percent-encode the rest'),
    headers: headersSchema.default({}),
    body: templateText.optional(),
    expect: expectSchema,
  })
  .superRefine(({ method, body, expect }, context) => {
    if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
      context.addIssue({ code: 'custom', path: ['body'], message: `a ${method} carries no body` });
    }
    if (expect.bodyPattern !== undefined && method === 'HEAD') {
      context.addIssue({
        code: 'custom',
        path: ['expect', 'bodyPattern'],
        message: 'the answer to a HEAD has no body',
      });
    }
  });
export type RequestKind = z.infer<typeof requestKindSchema>;

export const workloadSchema = z.strictObject({
  /** Requests per second to each arm. */
  rate: z.number().positive().max(10_000),
  arrivals: z.enum(['poisson', 'constant']).default('poisson'),
  freshConnections: z.number().min(0).max(1).default(0),
  requests: z
    .array(requestKindSchema)
    .min(1, 'a workload needs at least one request')
    .superRefine((requests, context) => {
      const seen = new Set<string>();
      requests.forEach(({ name }, index) => {
        if (seen.has(name)) {
          const message = `"${name}" is the name of another request too; thresholds go by name`;
          context.addIssue({ code: 'custom', path: [index, 'name'], message });
        }
        seen.add(name);
      });
    }),
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

export interface RenderedRequest {
  readonly method: RequestKind['method'];
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The request as it is sent: every `${sequence}` replaced by the number of the pair. */
export function renderRequest(kind: RequestKind, sequence: number): RenderedRequest {
  const fill = (text: string): string =>
    text.includes('${') ? text.replaceAll('${sequence}', String(sequence)) : text;
  const headers: Record<string, string> = {};
  for (const name in kind.headers) headers[name] = fill(kind.headers[name] ?? '');
  return {
    method: kind.method,
    path: fill(kind.path),
    headers,
    ...(kind.body === undefined ? {} : { body: fill(kind.body) }),
  };
}
