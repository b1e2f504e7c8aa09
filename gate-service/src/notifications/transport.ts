/** One POST to a configured address: no redirect is followed, and little of the answer is read. */
import { Agent, request } from 'undici';

export interface Posted {
  /** Undefined when no answer came. */
  readonly status?: number;
  /** Seconds that the receiver asked to be left alone. */
  readonly retryAfterSeconds?: number;
  /** What happened, for an operator: `204`, `500: out of order`, `no answer: connect ECONNREFUSED …`. */
  readonly words: string;
}

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MOST_ANSWER_BYTES = 4096;
const SHOWN_CHARACTERS = 200;

/** Never rejects: what went wrong is in the words. */
export async function post({ body, headers, signal, timeoutMs, url }: Post): Promise<Posted> {
  const timeout = AbortSignal.timeout(timeoutMs);
  // Of its own: no connection is kept that the receiver may have closed since the last message.
  const dispatcher = new Agent({ connect: { timeout: timeoutMs }, pipelining: 0 });
  try {
    const answer = await request(url, {
      method: 'POST',
      headers,
      body,
      dispatcher,
      signal: AbortSignal.any([signal, timeout]),
    });
    // The status is the answer: an end that never comes takes nothing back.
    const text = await beginning(answer.body).catch(() => '');
    const retryAfter = Number(answer.headers['retry-after']);
    const shown = text === '' ? '' : `: ${text}`;
    return {
      status: answer.statusCode,
      ...(Number.isFinite(retryAfter) && retryAfter > 0 && { retryAfterSeconds: retryAfter }),
      words:
        answer.statusCode >= 300 && answer.statusCode < 400
          ? `${answer.statusCode}: redirects are not followed, configure the address it leads to`
          : `${answer.statusCode}${shown}`,
    };
  } catch (error) {
    if (timeout.aborted) return { words: `no answer within ${timeoutMs / 1000} s` };
    if (signal.aborted) return { words: 'no answer before the gate service was stopped' };
    return { words: `no answer: ${wordsOf(error)}` };
  } finally {
    await dispatcher.destroy();
  }
}

async function beginning(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= MOST_ANSWER_BYTES) break;
  }
  const text = Buffer.concat(parts).subarray(0, MOST_ANSWER_BYTES).toString('utf8');
  return text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS);
}

function wordsOf(error: unknown): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return inner instanceof Error ? inner.message : String(inner);
}
