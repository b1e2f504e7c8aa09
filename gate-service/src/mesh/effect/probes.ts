/** The kinds of requests that a plan tells apart. */
import { ARM_HEADER, PLANTED_HEADER } from '../plan.ts';
import type { MeshPlan, MeshService } from '../plan.ts';
import type { Probe } from './traffic.ts';

/** A value that no plan has for an arm. */
const STRANGE_ARM = 'speed-gate-nobody';

/**
 * Each service's hosts (in capitals and with a port as well), without an arm header, with that of
 * each arm and with an unknown one, asking for the planted delay or not; and a host of nobody's.
 */
export function probesOf(plan: MeshPlan): readonly Probe[] {
  return [...plan.services.flatMap(probesOfService), probe('nobody.invalid', {})];
}

/** The requests of a service without an arm header: those that the default route takes. */
export function unmarkedProbes(service: MeshService): readonly Probe[] {
  return service.hosts.map((host) => probe(host, {}));
}

function probesOfService(service: MeshService): Probe[] {
  const arms = [undefined, ...service.armRoutes.map((one) => one.headerValue), STRANGE_ARM];
  const headers = arms.flatMap((arm) => {
    const marked = arm === undefined ? {} : { [ARM_HEADER]: arm };
    return [marked, { ...marked, [PLANTED_HEADER]: '1' }];
  });
  const [first = ''] = service.hosts;
  return [
    ...service.hosts.flatMap((host) => headers.map((one) => probe(host, one))),
    probe(first.toUpperCase(), {}),
    probe(`${first}:8000`, {}),
  ];
}

function probe(host: string, headers: Probe['headers']): Probe {
  const marks = Object.entries(headers).map(([name, value]) => `${name}=${value}`);
  return { name: [host, ...marks].join(' '), host, path: '/', headers };
}
