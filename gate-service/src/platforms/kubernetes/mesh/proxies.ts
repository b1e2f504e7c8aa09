/** The port through which the gateways' proxies are seen. */
import type { Dump } from '../../../mesh/effect/of-dump.ts';
import type { KubernetesClient } from '../client/client.ts';
import { POD } from '../client/kinds.ts';
import { isReady, podsOf } from '../arms/pods.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { PlatformError } from '../../platform.ts';
import type { ProxyHost } from './envoy-hosts.ts';
import { ISTIO_KINDS } from './kinds.ts';

/** One proxy at one moment. */
export interface ProxyLook {
  /** As `POD.NAMESPACE`. */
  readonly proxy: string;
  readonly dump: Dump;
  /** What the proxy was last sent and has not (yet) acknowledged, or has refused; absent when it has taken all. */
  readonly outstanding?: string;
  /**
   * Changes with every push of routes that the proxy acknowledges. Absent where the dump is the
   * proxy's own, which needs no acknowledgement.
   */
  readonly routesAcknowledged?: string;
}

export interface Proxies {
  /**
   * All of them, each of these pods or an error.
   * @throws Error when one cannot be seen
   */
  look(pods: readonly GatewayPod[], signal?: AbortSignal): Promise<readonly ProxyLook[]>;
  /**
   * The hosts of each of these pods' proxies; absent where proxies cannot be asked themselves.
   * @throws Error when one does not answer
   */
  readonly hosts?: (
    pods: readonly GatewayPod[],
    signal?: AbortSignal,
  ) => Promise<readonly (readonly ProxyHost[])[]>;
}

export interface GatewayPod {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
}

/**
 * The pods whose proxies carry these gateways: the ready ones with the labels that each Gateway selects, in
 * the Gateway's namespace or the one told.
 * @param gateways as `NAMESPACE/NAME`
 * @throws PlatformError `refused` for a gateway that is not there, `route-not-seen` for one without a ready pod
 */
export async function gatewayPods(
  client: KubernetesClient,
  gateways: readonly string[],
  podNamespace?: string,
  signal?: AbortSignal,
): Promise<readonly GatewayPod[]> {
  const pods = await Promise.all(
    gateways.map(async (gateway) => {
      const [namespace = '', name = ''] = gateway.split('/');
      const place = { kind: ISTIO_KINDS.Gateway, namespace, name };
      const found = await client.find(place, { signal });
      if (found === undefined) throw missingGateway(gateway);
      const labels = selectorOf(found);
      const listed = await client.list(
        { kind: POD, namespace: podNamespace ?? namespace, labels },
        { signal },
      );
      const ready = listed.flatMap(gatewayPod);
      if (ready.length === 0) {
        throw new PlatformError(
          'route-not-seen',
          `No ready pod carries Gateway ${gateway} (labels ${JSON.stringify(labels)} in namespace ${podNamespace ?? namespace}): nobody would take the routes, and nothing can be seen of them.`,
        );
      }
      return ready;
    }),
  );
  return [...new Map(pods.flat().map((pod) => [`${pod.name}.${pod.namespace}`, pod])).values()];
}

/** Those of the gateways that are there. */
export async function existingGateways(
  client: KubernetesClient,
  gateways: readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const found = await Promise.all(
    gateways.map(async (gateway) => {
      const [namespace = '', name = ''] = gateway.split('/');
      const one = await client.find({ kind: ISTIO_KINDS.Gateway, namespace, name }, { signal });
      return one === undefined ? [] : [gateway];
    }),
  );
  return found.flat();
}

function missingGateway(gateway: string): PlatformError {
  return new PlatformError(
    'refused',
    `There is no Gateway ${gateway}. Make it, or name another one for this environment in the service catalogue.`,
  );
}

function selectorOf(gateway: KubernetesObject): Readonly<Record<string, string>> {
  const spec = gateway.spec;
  const selector =
    typeof spec === 'object' && spec !== null && 'selector' in spec ? spec.selector : undefined;
  const labels = typeof selector === 'object' && selector !== null ? Object.entries(selector) : [];
  if (labels.length === 0) {
    throw new PlatformError(
      'refused',
      `Gateway ${gateway.metadata.namespace ?? ''}/${gateway.metadata.name} selects no pods (spec.selector is empty): its proxies cannot be told from others.`,
    );
  }
  return Object.fromEntries(labels.map(([name, value]) => [name, String(value)]));
}

/**
 * Pods that end are left out: they drain, and get no new connections. Neither does one that is not ready: it is no
 * endpoint of anything, and has its routes from istiod before it is.
 */
function gatewayPod(object: KubernetesObject): GatewayPod[] {
  const [pod] = podsOf([object]);
  if (pod === undefined || !isReady(pod)) return [];
  const { namespace = '' } = object.metadata;
  return [{ name: pod.metadata.name, namespace, address: pod.status.podIP ?? '' }];
}
