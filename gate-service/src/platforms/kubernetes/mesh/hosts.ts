/** Whether a plan's hosts are free: Istio merges two VirtualServices of one host in an order that nobody says. */
import { gatewayNames, objectName, type IstioPlacement } from '../../../mesh/istio/resources.ts';
import type { MeshPlan } from '../../../mesh/plan.ts';
import { PlatformError } from '../../platform.ts';
import type { KubernetesClient } from '../client/client.ts';
import { ISTIO_KINDS } from './kinds.ts';
import { specOf } from './own-object.ts';

/**
 * Looks through the VirtualServices of the placement's namespace.
 * @throws PlatformError `refused` when another one there has a host of the plan's on the same gateway
 */
export async function requireFreeHosts(
  client: KubernetesClient,
  placement: IstioPlacement,
  plan: MeshPlan,
  signal?: AbortSignal,
): Promise<void> {
  const { namespace, adopted } = placement;
  const gateways = new Set(gatewayNames(plan.environment, placement));
  const all = await client.list({ kind: ISTIO_KINDS.VirtualService, namespace }, { signal });
  for (const { name: service, hosts } of plan.services) {
    const ours = adopted?.[service] ?? objectName(service);
    const wanted = new Set(hosts.map((host) => host.toLowerCase()));
    for (const one of all.filter(({ metadata }) => metadata.name !== ours)) {
      const spec = specOf(one);
      const shared = texts(spec.hosts).filter((host) => wanted.has(host.toLowerCase()));
      const meets = texts(spec.gateways).some(
        (gateway) => gateways.has(gateway) || gateways.has(`${namespace}/${gateway}`),
      );
      if (shared.length === 0 || !meets) continue;
      throw new PlatformError(
        'refused',
        `VirtualService ${namespace}/${one.metadata.name} routes ${shared.join(', ')} on the same gateway as the gate would. Let the gate adopt it (annotations, and its name in the service catalogue), or remove it.`,
      );
    }
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
