/** A proxy in front of the API server that answers, delays or cuts what a test tells it to. */
import {
  createServer,
  request as plain,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { request as secure } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Fault {
  /** Requests it is for. */
  readonly matches: (request: IncomingMessage) => boolean;
  /** How many of them; all unless told. */
  readonly times?: number;
  readonly act: FaultAction;
}

export type FaultAction =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string> }
  /** No answer, ever. */
  | { readonly kind: 'silence' }
  /** The connection is reset before an answer. */
  | { readonly kind: 'reset' }
  /** Head of the answer, and then nothing more: a connection that is half dead. */
  | { readonly kind: 'stall' }
  /** The answer goes through, and its connection is cut after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number };

export interface FaultProxy {
  readonly url: string;
  /** Method and URL of each request so far. */
  readonly seen: readonly string[];
  /** Faults are asked in order; the first that matches and is not used up acts. */
  inject(fault: Fault): void;
  clear(): void;
  /** Cuts all answers that are under way, as a server that dies does. */
  cutAll(): void;
  close(): Promise<void>;
}

/**
 * @param upstream address of the real API server; `http` or `https` (whose certificate the proxy does not check)
 */
export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const seen: string[] = [];
  const live = new Set<ServerResponse>();
  let faults: { readonly fault: Fault; left: number }[] = [];

  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    live.add(outgoing);
    outgoing.on('close', () => live.delete(outgoing));
    const found = faults.find(({ fault, left }) => left > 0 && fault.matches(incoming));
    if (found !== undefined) found.left -= 1;
    const act = found?.fault.act;
    switch (act?.kind) {
      case 'answer':
        incoming.resume();
        outgoing.writeHead(act.status, { 'content-type': 'application/json', ...act.headers });
        outgoing.end(JSON.stringify({ kind: 'Status', message: `injected ${act.status}` }));
        return;
      case 'silence':
        incoming.resume();
        return;
      case 'reset':
        incoming.socket.destroy();
        return;
      case 'cut':
        forward(incoming, outgoing, act.afterBytes);
        return;
      case 'stall':
        incoming.resume();
        outgoing.writeHead(200, { 'content-type': 'application/json' });
        outgoing.flushHeaders();
        return;
      case undefined:
        forward(incoming, outgoing, Infinity);
    }
  });

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, limit: number): void {
    const url = new URL(incoming.url ?? '/', upstream);
    const send = url.protocol === 'https:' ? secure : plain;
    const onward = send(
      url,
      {
        method: incoming.method,
        headers: { ...incoming.headers, host: url.host },
        // The test bed's certificate is for the server behind us, on this machine.
        ...(url.protocol === 'https:' && { rejectUnauthorized: false }),
        agent: false,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        let sent = 0;
        answer.on('data', (chunk: Buffer) => {
          const part = chunk.subarray(0, Math.max(0, limit - sent));
          sent += part.length;
          outgoing.write(part, () => {
            if (sent >= limit) outgoing.destroy();
          });
        });
        answer.on('end', () => outgoing.end());
        answer.on('error', () => outgoing.destroy());
      },
    );
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    inject(fault) {
      faults.push({ fault, left: fault.times ?? Infinity });
    },
    clear() {
      faults = [];
    },
    cutAll() {
      for (const response of live) response.destroy();
    },
    async close() {
      for (const response of live) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
