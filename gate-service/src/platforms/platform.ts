/** The port between what decides (`runs/`, `controller/`) and where nodes run (`local/`, `kubernetes/`). */
import type { StackConfiguration } from '../stack/configuration.ts';
import type { SwapWay } from '../stack/swap-plan.ts';
import type { NodeStatus } from '../node-agent/protocol.ts';
import type { Environment } from '../mesh/plan.ts';

export type PlatformKind = 'local' | 'kubernetes';
export type ArmRole = 'baseline' | 'candidate' | 'challenger' | 'current' | 'canary';

/** What the platform has to know of a service; a part of its catalogue entry. */
export interface ServiceOnPlatform {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly healthPath: string;
  readonly systemProperties: Readonly<Record<string, string>>;
}

/** A build on the platform's disk (local) or in its registry (kubernetes). */
export interface BuildReference {
  /** SHA-256 of the WAR or image digest, lower-case hex. */
  readonly digest: string;
  readonly location: string;
}

export interface ArmRequest {
  readonly service: ServiceOnPlatform;
  readonly environment: Environment;
  readonly role: ArmRole;
  readonly build: BuildReference;
  readonly configuration: StackConfiguration;
  /** How many nodes: 1..n. */
  readonly nodes: number;
}

export interface ArmNode {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Nodes with one build and one configuration. `id` is unique on the platform and never reused. */
export interface Arm {
  readonly id: string;
  readonly service: string;
  readonly environment: Environment;
  readonly role: ArmRole;
  readonly buildDigest: string;
  readonly configurationHash: string;
  readonly nodes: readonly ArmNode[];
}

export interface ApplyReport {
  readonly arm: Arm;
  readonly ways: readonly SwapWay[];
  readonly milliseconds: number;
}

/** Staging: every arm of a comparison under its header value; measurement routes have no retries. */
export interface MeasurementRouting {
  readonly service: string;
  readonly arms: readonly { readonly headerValue: string; readonly armId: string }[];
  /** Planted delay for the baseline's requests that ask for it. */
  readonly planted?: { readonly headerValue: string; readonly delayMs: number };
}

/** Production: whole-number weights that sum to 100. */
export interface ProductionRouting {
  readonly service: string;
  readonly weights: readonly { readonly armId: string; readonly weight: number }[];
}

/** An arm as it is now, read from its nodes and the proxy. */
export interface ArmObservation {
  readonly arm: Arm;
  /** Share of unmarked production traffic in per cent, as the proxy has it; 0 in staging; NaN while it cannot be seen. */
  readonly weight: number;
  /** What is left of an arm that somebody has deleted, or whose making or removal was cut off: it can only be removed. */
  readonly leftover?: boolean;
  /** Of production, where the platform keeps one set of nodes for good: not (all) on those yet, see `Platform.takeOver`. */
  readonly besidePrimary?: boolean;
  readonly nodes: readonly {
    readonly name: string;
    /** Absent when the node's agent does not answer. */
    readonly status?: NodeStatus;
    readonly healthyInProxy: boolean;
    /** Requests the proxy has sent to this node so far. */
    readonly requestsTotal: number;
  }[];
}

export interface EntryPoint {
  readonly host: string;
  readonly port: number;
  /** Host header of the service's requests there, where it is not the first of its `hosts`. */
  readonly authority?: string;
}

export interface Platform {
  readonly kind: PlatformKind;
  /** Brings up fresh nodes and waits until each answers its health path. On failure everything it made is removed. */
  deploy(request: ArmRequest, signal: AbortSignal): Promise<Arm>;
  /**
   * Puts a configuration in force on an arm: live and route in place, graceful out of rotation,
   * replace as new nodes beside the old ones. On failure the former configuration is in force again.
   */
  apply(
    armId: string,
    configuration: StackConfiguration,
    signal: AbortSignal,
  ): Promise<ApplyReport>;
  /** Subsets first, then routes; resolves when the proxy is seen to have them. Replaces the service's former measurement routing. */
  routeMeasurement(routing: MeasurementRouting, signal: AbortSignal): Promise<void>;
  /** Subsets first, then weights; resolves when the proxy is seen to have them. */
  routeProduction(routing: ProductionRouting, signal: AbortSignal): Promise<void>;
  /** Everything of a service in an environment, as found. */
  observe(service: string, environment: Environment): Promise<readonly ArmObservation[]>;
  /** Takes an arm's routes away, drains it, stops its nodes. Refuses an arm that carries production weight. */
  remove(armId: string, signal: AbortSignal): Promise<void>;
  /**
   * Moves the arm in force onto the nodes that the platform keeps for production for good, without its requests
   * noticing; the arm keeps its id. Cut off, it goes on with the next call. Absent where arms stay on nodes of their own.
   */
  readonly takeOver?: (armId: string, signal: AbortSignal) => Promise<void>;
  /** All production traffic of the service to this arm, observed; used to go back. */
  restore(service: string, armId: string, signal: AbortSignal): Promise<void>;
  /** Where a service's traffic of an environment enters. @throws PlatformError `not-found` for a service that is not known */
  entryPoint(environment: Environment, service: string): EntryPoint;
}

export type PlatformFailure =
  | 'node-not-ready'
  | 'component-failed'
  | 'port-taken'
  | 'invalid-configuration'
  | 'swap-failed'
  | 'route-not-seen'
  | 'not-found'
  | 'refused'
  | 'aborted';

/** What went wrong on the platform, for a person: where, why (with the end of the log that tells), and what to do. */
export class PlatformError extends Error {
  readonly failure: PlatformFailure;
  constructor(failure: PlatformFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PlatformError';
    this.failure = failure;
  }
}
