/** Whether the node serves: a real request through httpd to Jetty and the application. */
import { ComponentError, messageOf } from './component-error.ts';
import { askLocally } from './local-http.ts';
import { poll } from './poll.ts';
import type { NodeDescription } from './protocol.ts';

const PROBE_TIMEOUT_MS = 5000;
const ANY_ADDRESS = '0.0.0.0';

export type Serving = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** One request on a fresh connection; anything but an answer below 400 is not serving. */
export async function probe(description: NodeDescription): Promise<Serving> {
  const { address, ports, healthPath } = description;
  // 0.0.0.0 is no address to call, though Linux takes it for loopback.
  const host = address === ANY_ADDRESS ? '127.0.0.1' : address;
  const what = `GET ${healthPath} through httpd on port ${ports.httpd}`;
  try {
    const { status } = await askLocally({
      address: host,
      port: ports.httpd,
      path: healthPath,
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    if (status < 400) return { ok: true };
    return { ok: false, reason: `${what} answered ${status}` };
  } catch (error) {
    return { ok: false, reason: `${what} failed: ${messageOf(error)}` };
  }
}

/** Waits until the node serves; rejects with the last reason. */
export async function untilServing(description: NodeDescription, timeoutMs: number): Promise<void> {
  let reason = '';
  const served = await poll(
    async () => {
      const serving = await probe(description);
      if (serving.ok) return true;
      reason = serving.reason;
      return undefined;
    },
    { everyMs: 50, timeoutMs },
  );
  if (served === undefined) throw new ComponentError('node', reason);
}
