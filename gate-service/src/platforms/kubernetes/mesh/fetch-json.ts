/** GET of a JSON document within a deadline. */

const TIMEOUT_MS = 5000;

/** @throws Error that names the address and what came instead */
export async function fetchJson(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<unknown> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      headers,
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${url} does not answer: ${cause instanceof Error ? cause.message : ''}`, {
      cause: error,
    });
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as unknown;
  throw new Error(`${url} answers ${response.status}: ${text.slice(0, 200).trim()}`);
}
