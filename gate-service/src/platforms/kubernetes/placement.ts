/** Where a service's arms live on the cluster: a part of its catalogue entry, as the platform needs it. */
import type { Environment } from '../../mesh/plan.ts';

export interface EnvironmentPlacement {
  readonly namespace: string;
}

export interface KubernetesPlacement {
  readonly staging: EnvironmentPlacement;
  readonly production: EnvironmentPlacement;
  /** Production's Deployment, in production's namespace: arms are made from its pod template. */
  readonly deployment: string;
  /** The container of the template that gets the build's image. */
  readonly container: string;
  readonly ports: { readonly http: number; readonly agent: number };
  /** Seconds until all pods of a fresh arm must be ready. */
  readonly readySeconds: number;
}

/** An Istio Gateway that exists already. */
export interface GatewayPlacement {
  readonly namespace: string;
  readonly name: string;
  /** Where requests reach its proxies, from where the load is sent. */
  readonly address: { readonly host: string; readonly port: number };
}

/** An environment with the way its traffic takes. */
export interface RoutedPlacement extends EnvironmentPlacement {
  /** At least one. */
  readonly gateways: readonly GatewayPlacement[];
  /** Values of the Host header here; the service's own unless told. */
  readonly hosts?: readonly string[] | undefined;
  /** Somebody else's VirtualService that the gate's routes go into; one of the gate's own unless told. */
  readonly virtualService?: string | undefined;
}

/** Where a service's arms live, and how its traffic gets to them. */
export interface ServicePlacement extends KubernetesPlacement {
  readonly staging: RoutedPlacement;
  readonly production: RoutedPlacement;
  /**
   * `takes-over`: what was promoted moves into production's own Deployment, whose image and configuration are then
   * the gate's alone to change. `template` unless told: it stays on a Deployment of the gate's.
   */
  readonly primary?: 'template' | 'takes-over' | undefined;
}

export function namespaceOf(placement: KubernetesPlacement, environment: Environment): string {
  return placement[environment].namespace;
}
