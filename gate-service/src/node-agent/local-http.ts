import { request } from 'undici';

export interface LocalAnswer {
  readonly status: number;
  readonly body: string;
}

export interface LocalRequest {
  readonly port: number;
  readonly path: string;
  readonly timeoutMs: number;
  readonly address?: string;
  /** A body makes it a POST of JSON. */
  readonly json?: unknown;
  /** `user:password` of basic authentication. */
  readonly login?: string;
}

/** One request to a component of this node, on a connection of its own. Rejects when there is no answer in time. */
export async function askLocally(options: LocalRequest): Promise<LocalAnswer> {
  const { port, path, timeoutMs, address = '127.0.0.1', json, login } = options;
  const response = await request(`http://${address}:${port}${path}`, {
    method: json === undefined ? 'GET' : 'POST',
    body: json === undefined ? null : JSON.stringify(json),
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(login !== undefined && {
        authorization: `Basic ${Buffer.from(login).toString('base64')}`,
      }),
    },
    signal: AbortSignal.timeout(timeoutMs),
    headersTimeout: 0,
    bodyTimeout: 0,
    // A component may be replaced under the same port: no connection outlives its request.
    reset: true,
  });
  return { status: response.statusCode, body: await response.body.text() };
}
