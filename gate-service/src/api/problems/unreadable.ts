/** Answers to what never becomes a request: broken HTTP, endless headers, addresses that cannot be decoded. */
import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './error-handler.ts';
import { ProblemError } from './problem.ts';

/** For the option `frameworkErrors`: the address is wrong before any route is found. */
export function answerFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const problem =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? new ProblemError(414, 'invalid-request', 'a part of the address is too long to be a name')
      : new ProblemError(400, 'invalid-request', 'the address cannot be decoded');
  void reply.headers({ 'x-content-type-options': 'nosniff' });
  sendProblem(request, reply, problem);
}

/** What RFC 9112, section 3.2, asks of every request of HTTP/1.1. */
export function requireHost(app: FastifyInstance): void {
  app.addHook('onRequest', ({ headers, raw }, _reply, done) => {
    if (headers.host !== undefined || raw.httpVersion !== '1.1') done();
    else done(new ProblemError(400, 'invalid-request', 'the header Host is missing'));
  });
}

const PROBLEMS: Readonly<Record<string, [number, string, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'headers-too-large', 'the headers have more than 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'too-slow', 'the request did not arrive in time'],
};

/** For the option `clientErrorHandler`: there is no request to answer, only a connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // An answer that is under way must not be broken into.
  const answer = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage;
  if (error.code === 'ECONNRESET' || !socket.writable || answer?.headersSent === true) {
    socket.destroy();
    return;
  }
  const [status, code, detail] = PROBLEMS[error.code ?? ''] ?? [
    400,
    'invalid-request',
    'this is not HTTP that can be read',
  ];
  const title = STATUS_CODES[status] ?? 'Error';
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail });
  socket.end(
    [
      `HTTP/1.1 ${status} ${title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'x-content-type-options: nosniff',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
