/** The node agent over HTTP, as the platforms and the telemetry see it. */
import { request } from 'undici';
import { z } from 'zod';
import {
  agentProblemSchema,
  configurationResponseSchema,
  drainResponseSchema,
  nodeStatusSchema,
  type AgentProblem,
  type ConfigurationRequest,
  type ConfigurationResponse,
  type DrainResponse,
  type NodeStatus,
} from './protocol.ts';

export interface NodeAgentEndpoint {
  readonly address: string;
  readonly port: number;
  readonly token: string;
}

/** Milliseconds. A swap may start a JVM and drain the old one, so it is given much longer. */
export interface NodeAgentTimeouts {
  readonly query: number;
  readonly configure: number;
  readonly stop: number;
}

const DEFAULT_TIMEOUTS: NodeAgentTimeouts = { query: 5000, configure: 120_000, stop: 60_000 };

/** `unreachable`: no agent there; `timeout`; `malformed`: not an agent's answer; `refused`: a problem, see `problem`. */
export type NodeAgentFailure = 'unreachable' | 'timeout' | 'malformed' | 'refused';

export class NodeAgentError extends Error {
  readonly failure: NodeAgentFailure;
  /** What the agent said, with `code` and perhaps `violations` or `restoredHash`. */
  readonly problem: AgentProblem | undefined;
  constructor(
    failure: NodeAgentFailure,
    message: string,
    options?: ErrorOptions & { problem?: AgentProblem },
  ) {
    super(message, options);
    this.name = 'NodeAgentError';
    this.failure = failure;
    this.problem = options?.problem;
  }
}

/** Every call rejects with {@link NodeAgentError}, or with the signal's reason when it is aborted. */
export interface NodeAgentClient {
  /** Puts a whole configuration in force; resolves when it was verified. */
  configure(
    values: ConfigurationRequest['values'],
    signal?: AbortSignal,
  ): Promise<ConfigurationResponse>;
  status(signal?: AbortSignal): Promise<NodeStatus>;
  /** Makes the node not ready and waits until requests have stopped coming; it goes on serving. There is no way back. */
  drain(signal?: AbortSignal): Promise<DrainResponse>;
  /** Drains the node and ends its processes and then the agent; resolves when the children are gone. */
  stop(signal?: AbortSignal): Promise<void>;
  /** Whether an agent answers; says nothing of httpd and Jetty. */
  healthz(signal?: AbortSignal): Promise<boolean>;
  /** The agent's Prometheus text. */
  metrics(signal?: AbortSignal): Promise<string>;
}

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export function createNodeAgentClient(
  endpoint: NodeAgentEndpoint,
  timeouts: Partial<NodeAgentTimeouts> = {},
): NodeAgentClient {
  const limits = { ...DEFAULT_TIMEOUTS, ...timeouts };
  const where = `node agent at ${endpoint.address}:${endpoint.port}`;

  async function call({ method, path, body, timeoutMs, signal }: Call): Promise<string> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const what = `${method} ${path} of the ${where}`;
    let status: number;
    let text: string;
    try {
      const response = await request(`http://${endpoint.address}:${endpoint.port}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${endpoint.token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        // The signal alone limits the wait; undici's own limit would cut a long swap short.
        headersTimeout: 0,
        bodyTimeout: 0,
        // An agent may be restarted under us: a kept connection would only bring resets.
        reset: true,
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) {
        throw new NodeAgentError('timeout', `${what} took more than ${timeoutMs} ms`, {
          cause: error,
        });
      }
      const why = error instanceof Error ? error.message : String(error);
      throw new NodeAgentError('unreachable', `${what} failed: ${why}`, { cause: error });
    }
    if (status < 300) return text;
    const problem = agentProblemSchema.safeParse(parseJson(text));
    if (!problem.success) {
      throw new NodeAgentError(
        'malformed',
        `${what} answered ${status}, which is not an agent's problem: ${text.slice(0, 200)}`,
      );
    }
    const { title, detail, violations } = problem.data;
    const list = violations?.map(({ rule, message }) => `\n- ${rule}: ${message}`).join('') ?? '';
    throw new NodeAgentError('refused', `${what}: ${detail ?? title}${list}`, {
      problem: problem.data,
    });
  }

  function read<Schema extends z.ZodType>(schema: Schema, path: string, text: string) {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new NodeAgentError(
      'malformed',
      `${path} of the ${where} answered something else than an agent does: ${z.prettifyError(parsed.error)}`,
    );
  }

  return {
    async configure(values, signal) {
      const path = '/configuration';
      const timeoutMs = limits.configure;
      const text = await call({ method: 'PUT', path, body: { values }, timeoutMs, signal });
      return read(configurationResponseSchema, path, text);
    },
    async status(signal) {
      const path = '/status';
      const text = await call({ method: 'GET', path, timeoutMs: limits.query, signal });
      return read(nodeStatusSchema, path, text);
    },
    async drain(signal) {
      const path = '/drain';
      const text = await call({ method: 'POST', path, timeoutMs: limits.stop, signal });
      return read(drainResponseSchema, path, text);
    },
    async stop(signal) {
      await call({ method: 'POST', path: '/stop', timeoutMs: limits.stop, signal });
    },
    async healthz(signal) {
      try {
        await call({ method: 'GET', path: '/healthz', timeoutMs: limits.query, signal });
        return true;
      } catch (error) {
        if (error instanceof NodeAgentError) return false;
        throw error;
      }
    },
    async metrics(signal) {
      return call({ method: 'GET', path: '/metrics', timeoutMs: limits.query, signal });
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
