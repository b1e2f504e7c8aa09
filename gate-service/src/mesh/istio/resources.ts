/** Kubernetes objects of Istio's networking API, and the labels by which subsets find their endpoints. */

export interface IstioPlacement {
  /** Namespace of the VirtualService, DestinationRule and the rest. */
  readonly namespace: string;
  /** Workload labels of the gateway whose proxies take this environment's traffic. */
  readonly gatewaySelector: Readonly<Record<string, string>>;
  /** Where the gateway listens. `bind` only where it runs beside others on one address. */
  readonly listen: { readonly port: number; readonly bind?: string };
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

/** Name of the host inside the mesh; clients' Host headers are mapped to it by the VirtualService. */
export function meshHost(service: string, namespace: string): string {
  return `${service}.${namespace}.speed-gate.internal`;
}

/** A Go duration, exact to the millisecond. */
export function duration(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** Port of a service inside the mesh; endpoints map it to their own. */
export const MESH_PORT = { number: 80, name: 'http' } as const;
