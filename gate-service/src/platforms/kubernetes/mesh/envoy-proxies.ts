/** Gateways whose Envoys let their admin API be read over the pod's network: what they say is what they do. */
import { parseDump } from '../../../mesh/effect/of-dump.ts';
import { hostsOf } from './envoy-hosts.ts';
import { fetchJson } from './fetch-json.ts';
import type { GatewayPod, Proxies, ProxyLook } from './proxies.ts';

/** @param adminPort of every gateway's Envoy */
export function envoyProxies(adminPort: number): Proxies {
  return {
    look: (pods, signal) => Promise.all(pods.map((pod) => lookAt(pod, adminPort, signal))),
    hosts: (pods, signal) =>
      Promise.all(
        pods.map(async (pod) =>
          hostsOf(await fetchJson(`${adminOf(pod, adminPort)}/clusters?format=json`, {}, signal)),
        ),
      ),
  };
}

async function lookAt(
  pod: GatewayPod,
  adminPort: number,
  signal: AbortSignal | undefined,
): Promise<ProxyLook> {
  const url = `${adminOf(pod, adminPort)}/config_dump?include_eds`;
  const dump = parseDump(await fetchJson(url, {}, signal));
  return { proxy: `${pod.name}.${pod.namespace}`, dump };
}

function adminOf({ address }: GatewayPod, port: number): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
