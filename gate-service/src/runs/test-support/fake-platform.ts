/** A platform without machines: it keeps the port's promises, and can be told to break. */
import type {
  ApplyReport,
  Arm,
  ArmObservation,
  ArmRequest,
  EntryPoint,
  MeasurementRouting,
  Platform,
  ProductionRouting,
} from '../../platforms/platform.ts';
import { PlatformError } from '../../platforms/platform.ts';

type Environment = ArmRequest['environment'];

interface Placed {
  readonly arm: Arm;
  weight: number;
}

export type PlatformCall =
  'deploy' | 'routeMeasurement' | 'routeProduction' | 'observe' | 'remove' | 'restore' | 'takeOver';

/** What httpd and Jetty have of every request's time. */
const HTTPD_MS = 0.5;
const JETTY_MS = 20;

export class FakePlatform implements Platform {
  readonly kind = 'local';
  readonly arms = new Map<string, Placed>();
  readonly routings: ProductionRouting[] = [];
  measurement: MeasurementRouting | undefined;
  /** Called before each change; throws to make it fail. */
  before: (call: PlatformCall, subject: unknown) => void = () => undefined;
  busyWorkers = 0;
  /** Arm on the nodes that are production's for good; undefined: there are no such nodes. */
  primary: { armId: string } | undefined;
  /** Nodes whose agent does not answer. */
  readonly lost = new Set<string>();
  /** Arms whose nodes somebody has deleted: only what is left of them is there. */
  readonly deleted = new Set<string>();
  /** Components started again on a node so far. */
  readonly restarts = new Map<string, number>();
  /** What the proxy has sent to each node. */
  readonly requests = new Map<string, number>();
  readonly #cpuSeconds = new Map<string, number>();
  #count = 0;

  async deploy(request: ArmRequest, signal: AbortSignal): Promise<Arm> {
    await Promise.resolve();
    signal.throwIfAborted();
    this.before('deploy', request);
    this.#count += 1;
    const id = `${request.role}-${String(this.#count)}`;
    const arm: Arm = {
      id,
      service: request.service.name,
      environment: request.environment,
      role: request.role,
      buildDigest: request.build.digest,
      configurationHash: request.configuration.hash,
      nodes: Array.from({ length: request.nodes }, (_, index) => ({
        name: `${id}-node-${String(index + 1)}`,
        address: '127.0.0.1',
        port: 10_000 + this.#count * 10 + index,
      })),
    };
    this.arms.set(id, { arm, weight: 0 });
    return arm;
  }

  async apply(): Promise<ApplyReport> {
    await Promise.resolve();
    throw new PlatformError('refused', 'runs deploy fresh arms');
  }

  async routeMeasurement(routing: MeasurementRouting, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    this.before('routeMeasurement', routing);
    for (const { armId } of routing.arms) this.#placed(armId);
    this.measurement = routing;
  }

  async routeProduction(routing: ProductionRouting, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    this.before('routeProduction', routing);
    const sum = routing.weights.reduce((total, { weight }) => total + weight, 0);
    if (sum !== 100) throw new PlatformError('refused', `weights sum to ${String(sum)}`);
    for (const { armId } of routing.weights) this.#routable(armId);
    for (const placed of this.arms.values()) {
      if (placed.arm.environment === 'production' && placed.arm.service === routing.service) {
        placed.weight = routing.weights.find(({ armId }) => armId === placed.arm.id)?.weight ?? 0;
      }
    }
    this.routings.push(routing);
  }

  async observe(service: string, environment: Environment): Promise<readonly ArmObservation[]> {
    await Promise.resolve();
    this.before('observe', { service, environment });
    return [...this.arms.values()]
      .filter(({ arm }) => arm.service === service && arm.environment === environment)
      .map(({ arm, weight }) => ({
        arm,
        weight,
        ...(this.deleted.has(arm.id) && { leftover: true }),
        ...(environment === 'production' &&
          this.primary !== undefined &&
          this.primary.armId !== arm.id && { besidePrimary: true }),
        nodes: arm.nodes.map(({ name }) => ({
          name,
          ...(this.lost.has(name) ? {} : { status: this.#status(arm, name) }),
          healthyInProxy: true,
          requestsTotal: this.requests.get(name) ?? 0,
        })),
      }));
  }

  async remove(armId: string, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    this.before('remove', armId);
    if (this.#placed(armId).weight > 0) {
      throw new PlatformError('refused', `arm ${armId} carries production traffic`);
    }
    this.arms.delete(armId);
  }

  async restore(service: string, armId: string, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    this.before('restore', armId);
    this.#routable(armId);
    for (const placed of this.arms.values()) {
      if (placed.arm.environment === 'production' && placed.arm.service === service) {
        placed.weight = placed.arm.id === armId ? 100 : 0;
      }
    }
  }

  async takeOver(armId: string, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    signal.throwIfAborted();
    this.before('takeOver', armId);
    if (this.#placed(armId).weight !== 100) {
      throw new PlatformError('refused', `arm ${armId} does not carry all of production`);
    }
    this.primary = { armId };
  }

  /** A request has reached a node, and cost it so many CPU seconds. */
  count(node: string, cpuSeconds = 0): void {
    this.requests.set(node, (this.requests.get(node) ?? 0) + 1);
    this.#cpuSeconds.set(node, (this.#cpuSeconds.get(node) ?? 0) + cpuSeconds);
  }

  entryPoint(environment: Environment): EntryPoint {
    return { host: '127.0.0.1', port: environment === 'staging' ? 8081 : 8080 };
  }

  #routable(armId: string): void {
    this.#placed(armId);
    if (this.deleted.has(armId)) throw new PlatformError('refused', `arm ${armId} was deleted`);
  }

  #placed(armId: string): Placed {
    const placed = this.arms.get(armId);
    if (placed === undefined) throw new PlatformError('not-found', `no arm ${armId}`);
    return placed;
  }

  #status(arm: Arm, name: string): NonNullable<ArmObservation['nodes'][number]['status']> {
    const usage = {
      pid: 1,
      cpuSeconds: 1 + (this.#cpuSeconds.get(name) ?? 0) / 2,
      residentMiB: 1,
      restarts: this.restarts.get(name) ?? 0,
    };
    const requests = this.requests.get(name) ?? 0;
    return {
      name,
      health: 'ready',
      buildDigest: arm.buildDigest,
      configurationHash: arm.configurationHash,
      generations: { httpd: 0, jetty: 1 },
      httpd: {
        busyWorkers: this.busyWorkers,
        idleWorkers: 25,
        connectionsTotal: 0,
        connectionsAsyncKeepAlive: 0,
        totalAccesses: requests,
        totalDuration: requests * (HTTPD_MS + JETTY_MS),
        stopping: 0,
        usage,
      },
      jetty: {
        colour: 0,
        minThreads: 10,
        maxThreads: 200,
        threads: 10,
        utilizedThreads: 0,
        queueSize: 0,
        totalDuration: requests * JETTY_MS,
        usage,
      },
    };
  }
}
