/**
 * Closed loop: every connection sends its next request when the last one has its answer. Good for warming
 * and for capacity; never for latency, because a slow service is asked less (coordinated omission).
 */
import autocannon from 'autocannon';
import { createAnswerCheck, type AnswerCheck } from './answer.ts';
import { createPairing } from './pairing.ts';
import { RequestClient, type Settled } from './request-client.ts';
import { renderRequest, type RequestKind } from './workload.ts';

export interface ClosedLoopTarget {
  readonly target: { readonly host: string; readonly port: number };
  /** Host header. */
  readonly authority: string;
  readonly requests: readonly RequestKind[];
  readonly connections: number;
  /** Sent with every request, e.g. to pick an arm. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface ReplayPlan extends ClosedLoopTarget {
  /** Requests in all, over all connections. */
  readonly amount: number;
  /** 10 000 when absent. */
  readonly requestTimeoutMs?: number;
}

export interface ReplayResult {
  readonly sent: number;
  /** Everything but a wanted answer: other status, body that does not match, time-out, broken connection. */
  readonly failed: number;
}

/** Replay and capacity need no randomness of their own; the mix is always the same. */
const SEED = 1;
const LAUNCH_HEADER = 'x-speed-gate-node';
/** So many failures in a row on a connection and nothing else: waiting a little saves both sides. */
const PAUSE_AFTER_FAILURE_MS = 50;

/**
 * Sends requests by weight and counts. Failures are counted, not thrown; on the sender's own client,
 * because autocannon loses count when connections break.
 * @throws when `requests` is empty, when the sender itself runs out of connections, or with the reason of `signal`
 */
export async function replay(plan: ReplayPlan): Promise<ReplayResult> {
  const { requests, connections, amount, requestTimeoutMs = 10_000, signal } = plan;
  signal.throwIfAborted();
  const stop = Promise.withResolvers<never>();
  // Handled here: nobody may be waiting when it rejects.
  stop.promise.catch(() => undefined);
  const client = new RequestClient(
    {
      ...plan.target,
      connections,
      connectTimeoutMs: requestTimeoutMs,
      launchHeader: LAUNCH_HEADER,
    },
    stop.reject,
  );
  const abort = (): void => {
    stop.reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', abort, { once: true });
  const mix = createMix(requests);
  const checks = new Map(requests.map((kind) => [kind, createAnswerCheck(kind.expect)]));
  let sent = 0;
  let failed = 0;
  let over = false;
  const one = async (): Promise<boolean> => {
    const { kind, sequence } = mix();
    const check = checks.get(kind);
    const { headers, ...rendered } = renderRequest(kind, sequence);
    const result = await exchange(
      client,
      {
        ...rendered,
        headers: { ...headers, host: plan.authority, ...plan.headers },
        fresh: false,
        needsBody: check?.needsBody ?? false,
      },
      requestTimeoutMs,
    );
    return 'answer' in result && check?.statusOf(result.answer) === 'ok';
  };
  const worker = async (): Promise<void> => {
    while (sent < amount && !over) {
      sent += 1;
      if (await one()) continue;
      failed += 1;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE_MS));
    }
  };
  try {
    await Promise.race([Promise.all(Array.from({ length: connections }, worker)), stop.promise]);
    return { sent, failed };
  } finally {
    over = true;
    signal.removeEventListener('abort', abort);
    await client.close();
  }
}

export interface CapacityPlan extends ClosedLoopTarget {
  readonly seconds: number;
  /** 10 when absent; whole seconds, because autocannon knows no others. */
  readonly requestTimeoutSeconds?: number;
}

export interface CapacityResult {
  /** Wanted answers per second: status and body as the workload expects them. */
  readonly completedPerSecond: number;
  readonly completed: number;
  /** Other answers, time-outs, connections that broke with a request on them. */
  readonly failed: number;
  readonly seconds: number;
  /** Of wanted answers, in the order they came; milliseconds with fraction, from the actual send time. */
  readonly latenciesMs: readonly number[];
}

/**
 * Completed requests per second at so many connections. Counts for itself from autocannon's events:
 * its own `sent`, errors and histogram leave out time-outs and dropped connections. No rate is set, so that
 * its "correction" for coordinated omission, which invents samples, stays off.
 * @throws when nobody listens at the target, or with the reason of `signal`
 */
export async function capacity(plan: CapacityPlan): Promise<CapacityResult> {
  const { target, connections, seconds, signal, requestTimeoutSeconds = 10 } = plan;
  signal.throwIfAborted();
  const mix = createMix(plan.requests);
  const checks = new Map(plan.requests.map((kind) => [kind, createAnswerCheck(kind.expect)]));
  const latenciesMs: number[] = [];
  // Of the answer that is being told about: autocannon hands over its body right before the event.
  let isWanted = false;
  let sent = 0;
  let answered = 0;
  let completed = 0;
  let refused: Error | undefined;
  const startedAt = performance.now();
  const done = Promise.withResolvers<undefined>();
  const options: autocannon.Options = {
    url: `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`,
    connections,
    pipelining: 1,
    duration: seconds,
    timeout: requestTimeoutSeconds,
    excludeErrorStats: false,
    requests: [
      {
        setupRequest: (request, context: ConnectionContext) => {
          const { kind, sequence } = mix();
          context.check = checks.get(kind);
          const { method, path, headers, body } = renderRequest(kind, sequence);
          return {
            ...request,
            method,
            path,
            headers: { ...headers, host: plan.authority, ...plan.headers },
            ...(body === undefined ? {} : { body }),
          };
        },
        onResponse: (status, body, { check }: ConnectionContext) => {
          isWanted = check?.statusOf({ status, body }) === 'ok';
        },
      },
    ],
    setupClient: (client) => {
      (client as unknown as NodeJS.EventEmitter).on('request', () => (sent += 1));
    },
  };
  const instance = autocannon(options, (error: unknown) => {
    if (error instanceof Error) done.reject(error);
    else done.resolve(undefined);
  });
  instance.on('response', (_client, _status, _bytes, milliseconds) => {
    answered += 1;
    if (!isWanted) return;
    completed += 1;
    latenciesMs.push(milliseconds);
  });
  instance.on('reqError', (error: unknown) => {
    // It would try again at once, without end.
    if (answered > 0 || !isRefusal(error)) return;
    refused = error;
    stop(instance);
  });
  const abort = (): void => {
    stop(instance);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await done.promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  signal.throwIfAborted();
  if (refused !== undefined) {
    throw new Error(`${target.host}:${target.port} refused the connection: nothing listens there`, {
      cause: refused,
    });
  }
  const measuredSeconds = (performance.now() - startedAt) / 1000;
  // What was on its way when the time was up is no failure; one request a connection at most.
  const lost = Math.max(0, sent - answered - connections);
  return {
    completedPerSecond: completed / measuredSeconds,
    completed,
    failed: answered - completed + lost,
    seconds: measuredSeconds,
    latenciesMs,
  };
}

/** What autocannon keeps for a connection; without pipelining it has one request under way. */
interface ConnectionContext {
  check?: AnswerCheck | undefined;
}

/** Its types leave `stop` out. */
function stop(instance: autocannon.Instance): void {
  (instance as autocannon.Instance & { stop(): void }).stop();
}

function isRefusal(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
}

/** Requests by weight; each with a number of its own. */
function createMix(
  requests: readonly RequestKind[],
): () => { readonly kind: RequestKind; readonly sequence: number } {
  const pairing = createPairing({
    weights: requests.map(({ weight }) => weight),
    freshConnections: 0,
    seed: SEED,
  });
  return () => {
    const { kind: index, sequence } = pairing.next();
    const kind = requests[index];
    if (kind === undefined) throw new Error(`no request ${index}`);
    return { kind, sequence };
  };
}

function exchange(
  client: RequestClient,
  request: Parameters<RequestClient['send']>[0],
  timeoutMs: number,
): Promise<Settled> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      underWay.cancel();
      resolve({ error: 'timeout' });
    }, timeoutMs);
    const underWay = client.send(request, (result) => {
      clearTimeout(timer);
      resolve(result);
    });
  });
}
