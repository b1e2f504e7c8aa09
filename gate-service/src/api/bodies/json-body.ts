/** Reads JSON bodies: whole, in time, in UTF-8, and without what only an attacker would send. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problem.ts';
import { parseStrictJson, StrictJsonError } from './strict-json.ts';

/** A body of the largest size takes a second on a slow line; who needs longer holds a connection. */
export const JSON_BODY_TIMEOUT_MS = 30_000;

/** Replaces fastify's own reader of JSON. */
export function readJsonBodies(app: FastifyInstance, timeoutMs = JSON_BODY_TIMEOUT_MS): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', async (request: FastifyRequest) => {
    refuseEncodings(request);
    const text = decode(await collect(request, timeoutMs));
    if (text.trim() === '') throw wrongBody('', 'is empty: send a JSON object, or no content-type');
    try {
      return parseStrictJson(text);
    } catch (error) {
      if (error instanceof StrictJsonError) throw wrongBody(error.pointer, error.message);
      throw error;
    }
  });
}

function wrongBody(pointer: string, detail: string): ProblemError {
  return new ProblemError(400, 'invalid-request', `body is wrong – ${pointer || 'it'} ${detail}`, [
    { pointer, detail },
  ]);
}

function refuseEncodings({ headers }: FastifyRequest): void {
  const coding = headers['content-encoding'] ?? 'identity';
  const charset = /charset\s*=\s*"?([^\s;"]*)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  if (coding.toLowerCase() === 'identity' && /^utf-?8$/i.test(charset)) return;
  throw new ProblemError(
    415,
    'unsupported-media-type',
    'send JSON in UTF-8 and without a content-encoding',
  );
}

/** The stream is left open in every case: the answer goes over the same connection, which then closes. */
function collect(request: FastifyRequest, timeoutMs: number): Promise<Buffer> {
  const { raw } = request;
  const limit = request.routeOptions.bodyLimit;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      raw.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      // Whatever still happens to the connection is nobody's failure any more.
      raw.on('error', () => undefined);
      finish();
    };
    const fail = (error: Error): void => {
      end(() => {
        raw.pause();
        reject(error);
      });
    };
    const tooLarge = (): void => {
      fail(new ProblemError(413, 'too-large', `the body is larger than ${limit} bytes`));
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > limit) tooLarge();
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      end(() => {
        resolve(Buffer.concat(chunks));
      });
    };
    const onError = (): void => {
      fail(new ProblemError(400, 'incomplete', 'the body ended before it was complete'));
    };
    const onClose = onError;
    const timer = setTimeout(() => {
      const detail = `the body did not arrive within ${timeoutMs / 1000} s`;
      fail(new ProblemError(408, 'too-slow', detail));
    }, timeoutMs);
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      tooLarge();
      return;
    }
    raw.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw wrongBody('', 'is not UTF-8');
  }
}
