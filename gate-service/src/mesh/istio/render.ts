/** The mesh plan as Istio resources, in the order in which they must be applied. */
import { stringify } from 'yaml';
import type { MeshPlan } from '../plan.ts';
import { requireValidPlan } from '../rules.ts';
import { destinationRule, serviceEntry, workloadEntries } from './destinations.ts';
import { gatewayNames, ownGatewayName, resource } from './resources.ts';
import type { IstioPlacement, IstioResource, OwnGateway } from './resources.ts';
import { virtualService } from './virtual-service.ts';

/**
 * Make before break: endpoints and subsets come before the VirtualService that routes to them (and
 * must be acknowledged by the proxies before it is applied); what goes away goes in the reverse
 * order. Throws InvalidPlanError when the plan breaks a rule.
 */
export function renderIstio(plan: MeshPlan, placement: IstioPlacement): readonly IstioResource[] {
  requireValidPlan(plan);
  const { namespace, gateway, endpoints } = placement;
  return [
    ...(gateway.kind === 'own' ? [ownGateway(plan, namespace, gateway)] : []),
    ...plan.services.flatMap((service) => [
      serviceEntry(service, namespace, endpoints),
      ...(endpoints.kind === 'listed' ? workloadEntries(service, namespace) : []),
      destinationRule(service, namespace),
    ]),
    ...plan.services.map((service) =>
      virtualService(
        service,
        plan.environment,
        namespace,
        gatewayNames(plan.environment, placement),
      ),
    ),
  ];
}

/** The resources as one YAML stream, as `kubectl apply` and istiod's files take it. */
export function toYaml(resources: readonly IstioResource[]): string {
  return resources
    .map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
}

function ownGateway(
  plan: MeshPlan,
  namespace: string,
  { selector, listen: { port, bind } }: OwnGateway,
): IstioResource {
  return resource('Gateway', ownGatewayName(plan.environment), namespace, {
    selector,
    servers: [
      {
        port: { number: port, name: 'http', protocol: 'HTTP' },
        ...(bind !== undefined && { bind }),
        hosts: plan.services.flatMap((service) => service.hosts),
      },
    ],
  });
}
