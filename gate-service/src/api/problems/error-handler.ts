/** Turns whatever was thrown into a problem that a person can act on, and leaks nothing else. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { IdempotencyConflictError, VersionConflictError } from '../../runs/run-store.ts';
import { RefusedError } from '../../runs/run-service.ts';
import type { RefusalCode } from '../../runs/run-service.ts';
import { BuildRejectedError } from '../../store/build-files.ts';
import { InvalidCursorError } from '../../store/pages.ts';
import { jsonPointer, ProblemError } from './problem.ts';
import type { Problem } from './problem.ts';

const UNKNOWN: ReadonlySet<RefusalCode> = new Set([
  'unknown-run',
  'unknown-service',
  'unknown-build',
  'unknown-configuration',
  'unknown-promotion',
]);
const MALFORMED: ReadonlySet<RefusalCode> = new Set([
  'invalid-threshold',
  'invalid-workload',
  'loosened',
  'expired',
  'expires-too-late',
  'reason-too-short',
]);

/** Nobody reads more, and an answer must not be a thousand times its question. */
const MOST_ERRORS = 20;

/** Answers for errors and for unknown paths. */
export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.status >= 500) request.log.error({ err: error }, 'request failed');
    return sendProblem(request, reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new ProblemError(
        404,
        'not-found',
        `there is nothing at ${request.method} ${pathOf(request)}`,
      ),
    ),
  );
}

/** Sends one problem as application/problem+json. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: ProblemError,
): FastifyReply {
  const body: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    instance: `urn:request:${request.id}`,
    ...(problem.errors !== undefined && { errors: [...problem.errors] }),
  };
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .serializer(String)
    .send(JSON.stringify(body));
}

function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.slice(0, MOST_ERRORS).map((issue) => ({
      pointer: issue.instancePath === '' ? jsonPointer([]) : issue.instancePath,
      detail: issue.message ?? 'is wrong',
    }));
    const where = error.validationContext ?? 'request';
    const detail = errors.map(
      (one) => `${one.pointer === '' ? where : one.pointer}: ${one.detail}`,
    );
    const more = error.validation.length - errors.length;
    if (more > 0) detail.push(`and ${more} more`);
    return new ProblemError(
      400,
      'invalid-request',
      `${where} is wrong – ${detail.join('; ')}`,
      errors,
    );
  }
  if (error instanceof RefusedError) return refusal(error);
  if (error instanceof IdempotencyConflictError) {
    return new ProblemError(422, 'idempotency-conflict', error.message);
  }
  if (error instanceof VersionConflictError)
    return new ProblemError(409, 'conflict', error.message);
  if (error instanceof InvalidCursorError) {
    return new ProblemError(400, 'invalid-cursor', error.message, [
      { pointer: '/cursor', detail: error.message },
    ]);
  }
  if (error instanceof BuildRejectedError) {
    const status = { 'too-large': 413, incomplete: 400, 'digest-mismatch': 422, 'not-a-war': 422 };
    return new ProblemError(status[error.problem], error.problem, error.message);
  }
  return frameworkProblem(error);
}

function refusal(error: RefusedError): ProblemError {
  const errors =
    error.field === undefined ? undefined : [{ pointer: error.field, detail: error.message }];
  let status = 409;
  if (error.code === 'samples-gone') status = 410;
  else if (error.code === 'reference-promotes') status = 400;
  else if (error.code === 'stale-decision') status = 412;
  else if (error.code === 'queue-full') status = 429;
  else if (MALFORMED.has(error.code)) status = 422;
  // Unknown in the address is not found; unknown in the body is a wrong field.
  else if (UNKNOWN.has(error.code)) status = error.field === undefined ? 404 : 422;
  return new ProblemError(status, error.code, error.message, errors);
}

/** Errors that fastify itself raises carry a status below 500 and a message for the sender. */
function frameworkProblem(error: unknown): ProblemError {
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const word =
      statusCode === 413
        ? 'too-large'
        : statusCode === 415
          ? 'unsupported-media-type'
          : 'invalid-request';
    return new ProblemError(statusCode, word, message ?? code ?? 'the request cannot be read');
  }
  return new ProblemError(
    500,
    'internal-error',
    'the service failed at this request; nothing can be said about any build from it. Its log has the reason under the id in `instance`.',
  );
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}
