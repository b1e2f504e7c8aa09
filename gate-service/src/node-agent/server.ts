/** The agent's HTTP face, on the loopback interface unless the node is a pod; see protocol.ts for what goes over it. */
import { timingSafeEqual, createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import type { NodeAgent } from './agent.ts';
import { messageOf } from './component-error.ts';
import { createMetrics } from './metrics.ts';
import { configurationRequestSchema } from './protocol.ts';
import { Refusal } from './refusal.ts';

const LARGEST_BODY_BYTES = 256 * 1024;

export interface AgentServerOptions {
  readonly agent: NodeAgent;
  /** The token in force now, asked for on every call; absent: the description's. */
  readonly token?: () => Promise<string>;
  /** Called once the answer to POST /stop is sent. */
  readonly onStopped: () => void;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

type Route = (request: IncomingMessage) => Promise<Answer>;

const json = (value: unknown): Answer => ({
  status: 200,
  contentType: 'application/json',
  body: JSON.stringify(value),
});

/** Health and readiness are asked by whoever watches the node (the kubelet), which has no token. */
const OPEN = new Set(['GET /healthz', 'GET /readyz']);

/** Listens at the node's agent port. Rejects when the port is taken. */
export async function serveAgent(options: AgentServerOptions): Promise<Server> {
  const { agent, onStopped } = options;
  const { ports, name, agentAddress = '127.0.0.1', token: fixed } = agent.description;
  const token = options.token ?? (async () => Promise.resolve(fixed));
  const metrics = createMetrics(name);
  const routes: Readonly<Record<string, Route>> = {
    'GET /healthz': async () => Promise.resolve(json({ ok: true })),
    'GET /readyz': async () => {
      const readiness = await agent.readiness();
      if (!readiness.ok) throw new Refusal('not-serving', readiness.reason);
      return json({ ready: true });
    },
    'GET /status': async () => json(await agent.status()),
    'GET /metrics': async () => ({
      status: 200,
      contentType: metrics.contentType,
      body: await metrics.render(await agent.status()),
    }),
    'PUT /configuration': async (request) => {
      const parsed = configurationRequestSchema.safeParse(await readJson(request));
      if (!parsed.success) throw new Refusal('bad-request', z.prettifyError(parsed.error));
      return json(await agent.configure(parsed.data.values));
    },
    'POST /drain': async () => json(await agent.drain()),
    'POST /stop': async () => {
      await agent.stop();
      return json({ stopped: true });
    },
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const what = `${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`;
    try {
      if (!OPEN.has(what)) requireToken(request, await token());
      const route = routes[what];
      if (route === undefined) throw new Refusal('not-found', `The agent has no ${what}.`);
      return await route(request);
    } catch (error) {
      const { problem } =
        error instanceof Refusal
          ? error
          : new Refusal('internal', messageOf(error), { cause: error });
      return {
        status: problem.status,
        contentType: 'application/problem+json',
        body: JSON.stringify(problem),
      };
    }
  };

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void answer(request).then(({ status, contentType, body }) => {
      response.writeHead(status, { 'content-type': contentType });
      response.end(body, () => {
        if (request.method === 'POST' && request.url === '/stop' && status === 200) onStopped();
      });
    });
  });
  // A swap takes longer than the default limits of a request.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `port ${agentAddress}:${ports.agent}, meant for the node agent, is taken by another process; is an agent of this node running already?`,
              { cause: error },
            )
          : error,
      );
    });
    server.listen(ports.agent, agentAddress, resolve);
  });
  return server;
}

function requireToken(request: IncomingMessage, token: string): void {
  const given = request.headers.authorization ?? '';
  // Digests of equal length, so that the comparison's time tells nothing.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(given), digest(`Bearer ${token}`))) {
    throw new Refusal('unauthorized', "Send the node's token as 'Authorization: Bearer TOKEN'.");
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY_BYTES) {
      throw new Refusal('bad-request', `The body is larger than ${LARGEST_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new Refusal('bad-request', `The body is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
