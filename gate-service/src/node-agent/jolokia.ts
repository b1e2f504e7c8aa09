/** Jetty's thread pool and request counters over Jolokia, the HTTP bridge to JMX beside each Jetty. */
import { z } from 'zod';
import { JOLOKIA_FILES, THREAD_POOL_MBEAN } from '../stack/jolokia.ts';
import { askLocally } from './local-http.ts';

export interface JettyPool {
  readonly minThreads: number;
  readonly maxThreads: number;
  readonly threads: number;
  /** Threads that serve requests; busyThreads would count leased ones too. */
  readonly utilizedThreads: number;
  readonly queueSize: number;
}

/** Of Jetty's StatisticsHandler since the start; asynchronous requests are active until they complete. */
export interface RequestCounters {
  readonly total: number;
  readonly active: number;
  /** Milliseconds spent on all completed requests. */
  readonly durationMs: number;
}

export interface PoolSize {
  readonly minThreads: number;
  readonly maxThreads: number;
}

export interface Jolokia {
  readPool(): Promise<JettyPool>;
  readCounters(): Promise<RequestCounters>;
  /** Sets both bounds, reads them back and rejects when Jetty has others. */
  resizePool(size: PoolSize): Promise<JettyPool>;
}

export interface JolokiaAddress {
  readonly port: number;
  /** `user:password`. */
  readonly login: string;
}

/** A read by pattern without a list is refused by the access policy. */
const POOL_ATTRIBUTES = ['minThreads', 'maxThreads', 'threads', 'utilizedThreads', 'queueSize'];
const COUNTERS_PATTERN = 'org.eclipse.jetty.server.handler:type=statisticshandler,*';
const COUNTERS = ['requestTotal', 'requestsActive', 'requestTimeTotal'];
const TIMEOUT_MS = 5000;

const answerSchema = z.looseObject({
  status: z.number(),
  value: z.unknown(),
  error: z.string().optional(),
});
const poolSchema = z.object({
  minThreads: z.int(),
  maxThreads: z.int(),
  threads: z.int(),
  utilizedThreads: z.int(),
  queueSize: z.int(),
});

const countersSchema = z
  .object({
    requestTotal: z.int(),
    requestsActive: z.int(),
    /** Nanoseconds. */
    requestTimeTotal: z.number(),
  })
  .transform((c): RequestCounters => ({
    total: c.requestTotal,
    active: c.requestsActive,
    durationMs: c.requestTimeTotal / 1e6,
  }));

export function createJolokia({ port, login }: JolokiaAddress): Jolokia {
  async function ask(json: unknown): Promise<unknown> {
    const { status, body } = await askLocally({
      port,
      path: '/jolokia/',
      timeoutMs: TIMEOUT_MS,
      json,
      login,
    });
    let content: unknown;
    try {
      content = JSON.parse(body);
    } catch {
      content = undefined;
    }
    // Refusals come with HTTP 200 and a status of their own; a wrong value may bring no JSON at all.
    const answer = answerSchema.safeParse(content);
    if (status !== 200 || !answer.success || answer.data.status !== 200) {
      const why = answer.data?.error ?? body.slice(0, 200);
      throw new Error(`Jolokia on port ${port} answered ${status}: ${why}`);
    }
    return answer.data.value;
  }

  /** The one MBean that fits a pattern, with the attributes listed. */
  async function find<Schema extends z.ZodType>(
    mbean: string,
    attribute: readonly string[],
    schema: Schema,
  ): Promise<{ bean: string; value: z.infer<Schema> }> {
    const answer = await ask({ type: 'read', mbean, attribute });
    const found = Object.entries(z.record(z.string(), schema).parse(answer));
    const [first] = found;
    if (first === undefined || found.length > 1) {
      throw new Error(`Jolokia on port ${port} shows ${found.length} of ${mbean}; expected one`);
    }
    return { bean: first[0], value: first[1] };
  }

  const findPool = async (): Promise<{ bean: string; value: JettyPool }> =>
    find(THREAD_POOL_MBEAN, POOL_ATTRIBUTES, poolSchema);

  async function write(bean: string, attribute: string, value: number): Promise<void> {
    await ask({ type: 'write', mbean: bean, attribute, value });
  }

  return {
    async readPool() {
      return (await findPool()).value;
    },
    async readCounters() {
      return (await find(COUNTERS_PATTERN, COUNTERS, countersSchema)).value;
    },
    async resizePool({ minThreads, maxThreads }) {
      // Jetty takes a negative minimum, and drags the other bound along without a word.
      if (!(Number.isInteger(minThreads) && minThreads >= 1 && maxThreads >= minThreads)) {
        throw new Error(`thread pool bounds ${minThreads}/${maxThreads} are not 1 <= min <= max`);
      }
      const { bean, value: pool } = await findPool();
      const writes: [string, number][] = [
        ['minThreads', minThreads],
        ['maxThreads', maxThreads],
      ];
      // In this order the minimum never passes the maximum.
      if (maxThreads > pool.maxThreads) writes.reverse();
      for (const [attribute, value] of writes) await write(bean, attribute, value);
      const { value: after } = await findPool();
      if (after.minThreads !== minThreads || after.maxThreads !== maxThreads) {
        throw new Error(
          `Jetty has ${after.minThreads}/${after.maxThreads} threads after ${minThreads}/${maxThreads} were set`,
        );
      }
      return after;
    },
  };
}

type BaseFiles = Readonly<Record<string, { readonly text: string; readonly mode: number }>>;

/**
 * Lets the agent read how many requests Jetty has in flight and has had: the only way to see that
 * the new Jetty gets the traffic and that the old one is through with its own. Reading only.
 */
export function withRequestCounters(files: BaseFiles): BaseFiles {
  const policy = files[JOLOKIA_FILES.policy];
  if (policy?.text.includes('</allow>') !== true) {
    throw new Error('the access policy of Jolokia has no list of what it allows');
  }
  if (policy.text.includes(COUNTERS_PATTERN)) return files;
  const entry = [
    '  <mbean>',
    `      <name>${COUNTERS_PATTERN}</name>`,
    ...COUNTERS.map((name) => `      <attribute mode="read">${name}</attribute>`),
    '    </mbean>',
    '  </allow>',
  ].join('\n');
  return {
    ...files,
    [JOLOKIA_FILES.policy]: { ...policy, text: policy.text.replace('</allow>', entry) },
  };
}
