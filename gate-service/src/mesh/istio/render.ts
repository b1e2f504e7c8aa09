/** The mesh plan as Istio resources, in the order in which they must be applied. */
import { stringify } from 'yaml';
import type { MeshPlan } from '../plan.ts';
import { requireValidPlan } from '../rules.ts';
import { destinationRule, serviceEntry, workloadEntries } from './destinations.ts';
import { resource } from './resources.ts';
import type { IstioPlacement, IstioResource } from './resources.ts';
import { virtualService } from './virtual-service.ts';

/**
 * Make before break: endpoints and subsets come before the VirtualService that routes to them (and
 * must be acknowledged by the proxies before it is applied); what goes away goes in the reverse
 * order. Throws InvalidPlanError when the plan breaks a rule.
 */
export function renderIstio(plan: MeshPlan, placement: IstioPlacement): readonly IstioResource[] {
  requireValidPlan(plan);
  const { namespace } = placement;
  const gatewayName = `speed-gate-${plan.environment}`;
  return [
    gateway(gatewayName, plan, placement),
    ...plan.services.flatMap((service) => [
      serviceEntry(service, namespace),
      ...workloadEntries(service, namespace),
      destinationRule(service, namespace),
    ]),
    ...plan.services.map((service) =>
      virtualService(service, plan.environment, namespace, `${namespace}/${gatewayName}`),
    ),
  ];
}

/** The resources as one YAML stream, as `kubectl apply` and istiod's files take it. */
export function toYaml(resources: readonly IstioResource[]): string {
  return resources
    .map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
}

function gateway(name: string, plan: MeshPlan, placement: IstioPlacement): IstioResource {
  const { port, bind } = placement.listen;
  return resource('Gateway', name, placement.namespace, {
    selector: placement.gatewaySelector,
    servers: [
      {
        port: { number: port, name: 'http', protocol: 'HTTP' },
        ...(bind !== undefined && { bind }),
        hosts: plan.services.flatMap((service) => service.hosts),
      },
    ],
  });
}
