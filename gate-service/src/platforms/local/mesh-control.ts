/** State and proxy in step: a change of routes, subsets or endpoints counts when the proxy shows it. */
import type { Environment, MeshPlan } from '../../mesh/plan.ts';
import { clusterName } from '../../mesh/envoy/names.ts';
import { PlatformError } from '../platform.ts';
import type { Component } from './component.ts';
import type { EnvoyAdmin, ProxyHost } from './envoy-admin.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { MeshPublisher } from './mesh-publisher.ts';
import { planOfState } from './plan-of-state.ts';
import type { ArmState, NodeState, PlatformState, StateFile } from './state.ts';
import { messageOf, waitUntil } from '../wait-until.ts';

export interface EnvironmentProxy {
  readonly component: Component;
  readonly admin: EnvoyAdmin;
  readonly publisher: MeshPublisher;
}

const HEALTHY_MS = 30_000;
/** Longer than any request in flight may take by the routes' usual time-outs. */
const DRAIN_MS = 45_000;
const QUIET_LOOKS = 2;

export class MeshControl {
  readonly #state: StateFile;
  readonly #proxies: Readonly<Record<Environment, EnvironmentProxy>>;
  readonly #lock = new KeyedLock();

  constructor(state: StateFile, proxies: Readonly<Record<Environment, EnvironmentProxy>>) {
    this.#state = state;
    this.#proxies = proxies;
  }

  proxy(environment: Environment): EnvironmentProxy {
    return this.#proxies[environment];
  }

  /** The plan that the state asks for now. */
  plan(environment: Environment): MeshPlan {
    return planOfState(this.#state.state, environment);
  }

  /** Makes a change, publishes what follows from it, and stores it when the proxy shows it. */
  change(environment: Environment, change: (draft: PlatformState) => void): Promise<void> {
    return this.#lock.run(environment, async () => {
      const draft = structuredClone(this.#state.state);
      change(draft);
      const { component, publisher } = this.#proxies[environment];
      await component.ensureRunning();
      await publisher.publish(planOfState(draft, environment));
      await this.#state.update(change);
    });
  }

  /** Makes the proxy do what the state says, e.g. after a restart. */
  republish(environment: Environment): Promise<void> {
    return this.change(environment, () => undefined);
  }

  /** Hosts of an arm as the proxy has them now. @throws PlatformError `component-failed` */
  async hosts(arm: ArmState): Promise<readonly ProxyHost[]> {
    const all = await this.ask(arm.environment, (admin) => admin.hosts());
    return all.get(clusterName(arm.service.name, arm.id)) ?? [];
  }

  /** Weights in per cent of production by arm id, as the proxy has them. */
  async weights(service: string): Promise<ReadonlyMap<string, number>> {
    const routes = await this.ask('production', (admin) => admin.routes());
    const prefix = clusterName(service, '');
    return new Map(
      [...(routes?.weights.get(service) ?? [])].map(([cluster, weight]) => [
        cluster.slice(prefix.length),
        weight,
      ]),
    );
  }

  /** Asks an Envoy, which is started again when it is gone. @throws PlatformError `component-failed` */
  async ask<T>(environment: Environment, question: (admin: EnvoyAdmin) => Promise<T>): Promise<T> {
    const { admin, component } = this.#proxies[environment];
    try {
      return await question(admin);
    } catch {
      await component.ensureRunning();
    }
    try {
      return await question(admin);
    } catch (error) {
      throw new PlatformError(
        'component-failed',
        `The Envoy of ${environment} does not answer over its admin API: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Waits until the proxy holds these nodes for healthy. @throws PlatformError `node-not-ready` */
  async untilHealthy(
    arm: ArmState,
    nodes: readonly NodeState[],
    signal?: AbortSignal,
  ): Promise<void> {
    let missing: readonly string[] = [];
    const healthy = await waitUntil(
      async () => {
        const hosts = await this.hosts(arm);
        missing = nodes
          .filter((node) => !hosts.some((host) => host.port === node.ports.httpd && host.healthy))
          .map((node) => node.name);
        return missing.length === 0 ? true : undefined;
      },
      { timeoutMs: HEALTHY_MS, signal },
    );
    if (healthy === true) return;
    throw new PlatformError(
      'node-not-ready',
      `The Envoy of ${arm.environment} does not hold ${missing.join(', ')} for healthy after ${HEALTHY_MS / 1000} s: ${arm.service.healthPath} must answer below 400 with Host ${arm.service.hosts[0] ?? ''}.`,
    );
  }

  /**
   * Takes nodes out of rotation and waits until none of their requests is in flight.
   * @returns false when some still were after 45 s
   */
  async drain(arm: ArmState, nodes: readonly NodeState[], signal?: AbortSignal): Promise<boolean> {
    const names = new Set(nodes.map((node) => node.name));
    await this.change(arm.environment, (draft) => {
      setDraining(draft, arm.id, names, true);
    });
    let quiet = 0;
    const idle = await waitUntil(
      async () => {
        const hosts = await this.hosts(arm);
        const busy = nodes.some((node) =>
          hosts.some((host) => host.port === node.ports.httpd && host.requestsActive > 0),
        );
        quiet = busy ? 0 : quiet + 1;
        return quiet >= QUIET_LOOKS ? true : undefined;
      },
      { timeoutMs: DRAIN_MS, everyMs: 20, signal },
    );
    return idle === true;
  }

  /** Puts nodes back into rotation; see `back-in-rotation.ts` for when they count as back. */
  async undrain(arm: ArmState, nodes: readonly NodeState[]): Promise<void> {
    const names = new Set(nodes.map((node) => node.name));
    await this.change(arm.environment, (draft) => {
      setDraining(draft, arm.id, names, false);
    });
  }
}

function setDraining(
  draft: PlatformState,
  armId: string,
  names: ReadonlySet<string>,
  draining: boolean,
): void {
  for (const node of draft.arms.find((arm) => arm.id === armId)?.nodes ?? []) {
    if (names.has(node.name)) node.draining = draining;
  }
}
