/** Kubernetes objects of Istio's networking API, and the labels by which subsets find their endpoints. */

/** A gateway of the gate's own: it listens on the proxies that carry these labels. */
export interface OwnGateway {
  readonly kind: 'own';
  readonly selector: Readonly<Record<string, string>>;
  /** Where the gateway listens. `bind` only where it runs beside others on one address. */
  readonly listen: { readonly port: number; readonly bind?: string };
}

/** Gateways that somebody else keeps; the VirtualServices are bound to them. */
export interface ExistingGateways {
  readonly kind: 'existing';
  /** As `NAMESPACE/NAME`. */
  readonly names: readonly string[];
}

/**
 * Where a subset's endpoints come from: `listed` writes the plan's endpoints down, `pods` lets
 * Istio find the pods that carry the labels, so that a pod started without the gate is found, too.
 */
export type EndpointSource =
  { readonly kind: 'listed' } | { readonly kind: 'pods'; readonly targetPort: number };

export interface IstioPlacement {
  /** Namespace of the VirtualService, DestinationRule and the rest. One per environment. */
  readonly namespace: string;
  readonly gateway: OwnGateway | ExistingGateways;
  readonly endpoints: EndpointSource;
  /** By service, the VirtualService of somebody else's that its routes go into instead of one of their own. */
  readonly adopted?: Readonly<Record<string, string>>;
}

export interface IstioResource {
  readonly apiVersion: 'networking.istio.io/v1';
  readonly kind:
    'Gateway' | 'VirtualService' | 'DestinationRule' | 'ServiceEntry' | 'WorkloadEntry';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Labels of endpoints: which service, which subset. */
export const SERVICE_LABEL = 'speed-gate.dev/service';
export const SUBSET_LABEL = 'speed-gate.dev/subset';

const MANAGED = { 'app.kubernetes.io/managed-by': 'speed-gate' };

/** One object; `labels` come on top of the mark that the gate owns it. */
export function resource(
  kind: IstioResource['kind'],
  name: string,
  namespace: string,
  spec: IstioResource['spec'],
  labels: Readonly<Record<string, string>> = {},
): IstioResource {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name, namespace, labels: { ...MANAGED, ...labels } },
    spec,
  };
}

/** Name of a service's objects: its own name alone would often meet one that is there already. */
export function objectName(service: string): string {
  return `speed-gate-${service}`;
}

/** A service's one object of a kind, labelled as that service's. */
export function serviceResource(
  kind: IstioResource['kind'],
  service: string,
  namespace: string,
  spec: IstioResource['spec'],
): IstioResource {
  return resource(kind, objectName(service), namespace, spec, { [SERVICE_LABEL]: service });
}

/** Every route of the gate's bears it, so that they are told from others in one VirtualService. */
export const ROUTE_PREFIX = 'speed-gate-';

/** Name of the host inside the mesh; clients' Host headers are mapped to it by the VirtualService. */
export function meshHost(service: string, namespace: string): string {
  return `${service}.${namespace}.speed-gate.internal`;
}

/** The names, as `NAMESPACE/NAME`, of the gateways that take an environment's traffic. */
export function gatewayNames(environment: string, placement: IstioPlacement): readonly string[] {
  return placement.gateway.kind === 'existing'
    ? placement.gateway.names
    : [`${placement.namespace}/${ownGatewayName(environment)}`];
}

/** Name of the Gateway that the gate makes where none is given. */
export function ownGatewayName(environment: string): string {
  return `speed-gate-${environment}`;
}

/** A Go duration, exact to the millisecond. */
export function duration(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** Port of a service inside the mesh; endpoints map it to their own. */
export const MESH_PORT = { number: 80, name: 'http' } as const;
