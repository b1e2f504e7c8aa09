/** Fetches a small JSON object from an address of the settings. */

const TIMEOUT_MS = 5_000;
const MOST_BYTES = 512 * 1024;

/**
 * Redirects are not followed: the settings say where keys come from.
 * @throws Error that names the address
 */
export async function fetchJson(address: string): Promise<Record<string, unknown>> {
  const response = await fetch(address, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw new Error(`${address} does not answer`, { cause: error });
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${address} answers ${response.status}`);
  }
  const value: unknown = JSON.parse(await limitedText(response, address));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${address} does not answer with a JSON object`);
  }
  return value as Record<string, unknown>;
}

async function limitedText(response: Response, address: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    const part = chunk as Uint8Array;
    bytes += part.length;
    if (bytes > MOST_BYTES)
      throw new Error(`${address} answers with more than ${MOST_BYTES} bytes`);
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}
