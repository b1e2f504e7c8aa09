/** Platform `local`: nodes, proxies and Prometheus as detached processes of this machine. */
import { mkdir, rm } from 'node:fs/promises';
import type { Environment } from '../../mesh/plan.ts';
import { isRunning } from '../../processes/detached-process.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import type { NodeResources } from '../../stack/resources.ts';
import {
  PlatformError,
  type ApplyReport,
  type Arm,
  type ArmObservation,
  type ArmRequest,
  type EntryPoint,
  type MeasurementRouting,
  type Platform,
  type ProductionRouting,
} from '../platform.ts';
import { applyToArm } from './apply.ts';
import { bringUp } from './bring-up.ts';
import type { ComponentStatus } from './component.ts';
import { requireArm } from './context.ts';
import { deployArm } from './deploy.ts';
import { dismantle } from './dismantle.ts';
import {
  componentsOf,
  endPlatform,
  localPlatformDown,
  localPlatformStatus,
  platformFolders,
  statusOf,
} from './existing-platform.ts';
import type { Folders } from './folders.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { PlatformLog } from './log.ts';
import { observeArms } from './observe.ts';
import { giveUpOwnership, takeOwnership } from './owner.ts';
import { routeMeasurement, routeProduction } from './routing.ts';
import { buildRuntime, type ChosenPorts, type Runtime } from './runtime.ts';
import { localComponentsSchema, type LocalComponents } from './state.ts';

export type { ComponentStatus } from './component.ts';
export { localPlatformDown, localPlatformStatus } from './existing-platform.ts';
export type { ChosenPorts } from './runtime.ts';
export type { LocalComponents } from './state.ts';

export interface LocalPlatformOptions {
  /** The state folder; everything of the platform is in its subfolder `platform`. */
  readonly state: string;
  readonly components: LocalComponents;
  readonly ports?: ChosenPorts;
  /** What one node may use. */
  readonly nodeResources: NodeResources;
  /** Jettys start cheaper and stay slower: for tests only, never for a measurement. */
  readonly fastStart?: boolean;
  readonly log: (message: string) => void;
}

export interface LocalPlatform extends Platform {
  /** Starts what does not run, adopts what does, finishes or undoes what was cut off, and watches from then on. */
  start(): Promise<void>;
  /** All components, running or not; also without `start`. Nothing is changed. */
  status(): Promise<readonly ComponentStatus[]>;
  /** Ends all components and removes their files, but for the logs; also without `start`. */
  down(): Promise<void>;
  /** Ends the watch of this process; the components go on. */
  close(): Promise<void>;
  /** The same for every service. */
  entryPoint(environment: Environment): EntryPoint;
  /** Base URL of the platform's Prometheus. */
  prometheusUrl(): string;
  /** Pids of the components (not of what the agents start), to tell their CPU from others'. */
  processes(): number[];
}

/** Opens the platform of a state folder. Nothing is started or made before `start`. */
// eslint-disable-next-line @typescript-eslint/require-await -- callers wait for what opening may come to need
export async function openLocalPlatform(options: LocalPlatformOptions): Promise<LocalPlatform> {
  return new LocalPlatformImplementation(options);
}

class LocalPlatformImplementation implements LocalPlatform {
  readonly kind = 'local' as const;
  readonly #options: LocalPlatformOptions;
  readonly #folders: Folders;
  readonly #log: PlatformLog;
  readonly #arms = new KeyedLock();
  #runtime: Runtime | undefined;

  constructor(options: LocalPlatformOptions) {
    this.#options = options;
    this.#folders = platformFolders(options.state);
    this.#log = { info: options.log, warn: options.log };
  }

  async start(): Promise<void> {
    if (this.#runtime !== undefined) return;
    await mkdir(this.#folders.root, { recursive: true, mode: 0o755 });
    await takeOwnership(this.#folders.ownerFile);
    await rm(this.#folders.downMarker, { force: true });
    const runtime = await this.#build();
    const { components, nodeResources } = this.#options;
    await runtime.context.state.update((draft) => {
      draft.components = localComponentsSchema.parse(components);
      draft.resources = { ...nodeResources };
    });
    try {
      await bringUp(runtime);
    } catch (error) {
      runtime.supervisor.stop();
      // A first start that fails leaves nothing; one with arms leaves production as it is.
      if (runtime.context.state.state.arms.length === 0) await endPlatform(runtime, this.#folders);
      await giveUpOwnership(this.#folders.ownerFile);
      throw error;
    }
    this.#runtime = runtime;
    runtime.supervisor.start();
  }

  async status(): Promise<readonly ComponentStatus[]> {
    return this.#runtime === undefined
      ? localPlatformStatus(this.#options.state)
      : statusOf(this.#runtime);
  }

  async down(): Promise<void> {
    const runtime = this.#runtime;
    this.#runtime = undefined;
    if (runtime === undefined) await localPlatformDown(this.#options.state);
    else await endPlatform(runtime, this.#folders);
  }

  async close(): Promise<void> {
    this.#runtime?.supervisor.stop();
    this.#runtime = undefined;
    await giveUpOwnership(this.#folders.ownerFile);
  }

  deploy(request: ArmRequest, signal: AbortSignal): Promise<Arm> {
    return deployArm(this.#started.context, request, signal);
  }

  apply(
    armId: string,
    configuration: StackConfiguration,
    signal: AbortSignal,
  ): Promise<ApplyReport> {
    return this.#arms.run(armId, () =>
      applyToArm(this.#started.context, armId, configuration, signal),
    );
  }

  routeMeasurement(routing: MeasurementRouting, signal: AbortSignal): Promise<void> {
    return routeMeasurement(this.#started.context, routing, signal);
  }

  routeProduction(routing: ProductionRouting, signal: AbortSignal): Promise<void> {
    return routeProduction(this.#started.context, routing, signal);
  }

  observe(service: string, environment: Environment): Promise<readonly ArmObservation[]> {
    return observeArms(this.#started.context, service, environment);
  }

  remove(armId: string, signal: AbortSignal): Promise<void> {
    return this.#arms.run(armId, async () => {
      const { context } = this.#started;
      const arm = requireArm(context, armId);
      const stored = context.state.state.production[arm.service.name] ?? [];
      const seen =
        arm.environment === 'production' ? await context.mesh.weights(arm.service.name) : undefined;
      const weight = Math.max(
        seen?.get(armId) ?? 0,
        stored.find((one) => one.armId === armId)?.weight ?? 0,
      );
      if (weight > 0) {
        throw new PlatformError(
          'refused',
          `Arm ${armId} carries ${weight} % of production; route its traffic elsewhere before it is removed.`,
        );
      }
      await dismantle(context, armId, signal);
    });
  }

  restore(service: string, armId: string, signal: AbortSignal): Promise<void> {
    return this.routeProduction({ service, weights: [{ armId, weight: 100 }] }, signal);
  }

  entryPoint(environment: Environment): EntryPoint {
    const { listener } = this.#started.context.state.state.ports[environment];
    return { host: '127.0.0.1', port: listener };
  }

  prometheusUrl(): string {
    return `http://127.0.0.1:${this.#started.context.state.state.ports.prometheus}`;
  }

  processes(): number[] {
    return componentsOf(this.#started).flatMap(({ record }) =>
      record !== undefined && isRunning(record) ? [record.pid] : [],
    );
  }

  get #started(): Runtime {
    if (this.#runtime !== undefined) return this.#runtime;
    throw new PlatformError('refused', 'The local platform is not started (or was ended).');
  }

  #build(): Promise<Runtime> {
    const { components, ports, nodeResources, fastStart } = this.#options;
    return buildRuntime({
      folders: this.#folders,
      components,
      ports: ports ?? {},
      resources: nodeResources,
      fastStart: fastStart ?? false,
      log: this.#log,
    });
  }
}
