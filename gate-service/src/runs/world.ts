/**
 * The only place from which runs and promotions change the world: the intent is stored before, the
 * outcome after, and what was changed is observed, not assumed.
 */
import { randomUUID } from 'node:crypto';
import type {
  Arm,
  ArmObservation,
  ArmRequest,
  MeasurementRouting,
  Platform,
  ProductionRouting,
} from '../platforms/platform.ts';
import { PlatformError } from '../platforms/platform.ts';
import type { Clock } from './clock.ts';
import { isoNow } from './clock.ts';
import type { Fence } from './driving.ts';
import type { IntentKind, IntentRecord } from './records.ts';
import type { RunStore } from './run-store.ts';

type Environment = ArmRequest['environment'];

/** On whose behalf something is changed. */
export interface Owner {
  readonly service: string;
  readonly runId?: string;
  readonly promotionId?: string;
}

export class World {
  readonly #platform: Platform;
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #fence: Fence;
  /** Intents of this process whose outcome is to come. */
  readonly #underWay = new Set<string>();

  constructor(platform: Platform, store: RunStore, clock: Clock, fence: Fence) {
    this.#platform = platform;
    this.#store = store;
    this.#clock = clock;
    this.#fence = fence;
  }

  get platform(): Platform {
    return this.#platform;
  }

  /** Right before it is stored what the world shall be from now on. @throws DrivingLost; errors of the store */
  async confirm(): Promise<void> {
    await this.#fence.confirm();
  }

  /** Everything of a service in an environment, as found. */
  observe(service: string, environment: Environment): Promise<readonly ArmObservation[]> {
    return this.#platform.observe(service, environment);
  }

  /** Fresh nodes, seen to run the build and configuration that were asked for. */
  async deploy(request: ArmRequest, owner: Owner, signal: AbortSignal): Promise<Arm> {
    const data = {
      environment: request.environment,
      role: request.role,
      build: request.build.digest,
      configurationHash: request.configuration.hash,
      nodes: request.nodes,
    };
    return this.#change('deploy', owner, data, async () => {
      const arm = await this.#platform.deploy(request, signal);
      await this.#verifyDeployed(arm, request);
      return { result: arm, outcome: { armId: arm.id, nodes: arm.nodes.map((node) => node.name) } };
    });
  }

  async routeMeasurement(
    routing: MeasurementRouting,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#change('route-measurement', owner, { routing }, async () => {
      await this.#platform.routeMeasurement(routing, signal);
      return { result: undefined, outcome: {} };
    });
  }

  /** Weights of production, seen in the proxy afterwards. */
  async routeProduction(
    routing: ProductionRouting,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#change('route-production', owner, { routing }, async () => {
      await this.#platform.routeProduction(routing, signal);
      await this.#verifyWeights(routing);
      return { result: undefined, outcome: { weights: routing.weights } };
    });
  }

  /** All production traffic of the service to this arm, seen in the proxy afterwards. */
  async restore(armId: string, owner: Owner, signal: AbortSignal): Promise<void> {
    await this.#change('restore', owner, { armId }, async () => {
      await this.#platform.restore(owner.service, armId, signal);
      await this.#verifyWeights({ service: owner.service, weights: [{ armId, weight: 100 }] });
      return { result: undefined, outcome: {} };
    });
  }

  /**
   * The arm in force moves onto the nodes that the platform keeps for production for good, and still carries
   * everything afterwards. Nothing where the platform knows no such nodes.
   */
  async takeOver(armId: string, owner: Owner, signal: AbortSignal): Promise<void> {
    const { takeOver } = this.#platform;
    if (takeOver === undefined) return;
    await this.#change('take-over', owner, { armId }, async () => {
      await takeOver.call(this.#platform, armId, signal);
      await this.#verifyWeights({ service: owner.service, weights: [{ armId, weight: 100 }] });
      return { result: undefined, outcome: {} };
    });
  }

  async remove(
    armId: string,
    environment: Environment,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#change('remove', owner, { armId, environment }, async () => {
      await this.#platform.remove(armId, signal);
      const left = await this.#platform.observe(owner.service, environment);
      if (left.some((observation) => observation.arm.id === armId)) {
        throw new PlatformError(
          'component-failed',
          `arm ${armId} was removed but is still there: look at \`speed-gate status\``,
        );
      }
      return { result: undefined, outcome: {} };
    });
  }

  /**
   * Gives intents that an earlier process has left open their outcome: what is there now, as observed.
   * Call it when production was brought in order.
   */
  async closeOpenIntents(): Promise<void> {
    for (const intent of await this.#store.intents({ open: true })) {
      if (this.#underWay.has(intent.id)) continue;
      await this.#store.saveOutcome(intent.id, {
        at: isoNow(this.#clock),
        succeeded: false,
        message:
          'cut off: the gate service ended in the middle of it, and a later one has brought in order what was found',
        data: await this.#found(intent),
      });
    }
  }

  async #verifyDeployed(arm: Arm, request: ArmRequest): Promise<void> {
    const observed = (await this.#platform.observe(arm.service, arm.environment)).find(
      (observation) => observation.arm.id === arm.id,
    );
    const wrong =
      observed?.nodes.length !== request.nodes
        ? `${String(observed?.nodes.length ?? 0)} of ${request.nodes} nodes are there`
        : observed.nodes
            .map((node) => nodeProblem(node, request))
            .find((problem) => problem !== undefined);
    if (wrong === undefined) return;
    const problem = new PlatformError(
      'component-failed',
      `arm ${arm.id} (${arm.role}, ${arm.environment}) is not what was asked for: ${wrong}`,
    );
    try {
      await this.#platform.remove(arm.id, AbortSignal.timeout(60_000));
    } catch (error) {
      throw new AggregateError([problem, error], problem.message);
    }
    throw problem;
  }

  async #verifyWeights(routing: ProductionRouting): Promise<void> {
    const observed = await this.#platform.observe(routing.service, 'production');
    const wanted = new Map(routing.weights.map(({ armId, weight }) => [armId, weight]));
    for (const observation of observed) {
      const weight = wanted.get(observation.arm.id) ?? 0;
      wanted.delete(observation.arm.id);
      if (observation.weight !== weight) {
        throw new PlatformError(
          'route-not-seen',
          `arm ${observation.arm.id} of ${routing.service} carries ${observation.weight} % of production instead of ${weight} %`,
        );
      }
    }
    const missing = [...wanted].filter(([, weight]) => weight > 0).map(([armId]) => armId);
    if (missing.length > 0) {
      throw new PlatformError(
        'not-found',
        `production of ${routing.service} was routed to ${missing.join(', ')}, which is not there`,
      );
    }
  }

  async #change<T>(
    kind: IntentKind,
    owner: Owner,
    data: Readonly<Record<string, unknown>>,
    act: () => Promise<{ result: T; outcome: Readonly<Record<string, unknown>> }>,
  ): Promise<T> {
    // Before the intent: who does not drive any more leaves no trace of what it will not do.
    const driver = await this.#fence.confirm();
    const id = randomUUID();
    this.#underWay.add(id);
    try {
      const at = isoNow(this.#clock);
      await this.#store.saveIntent({ id, kind, at, data: { ...data, driver }, ...owner });
      // The store may have taken its time over it.
      this.#fence.requireTime();
      return await this.#carryOut(id, kind, act);
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #carryOut<T>(
    id: string,
    kind: IntentKind,
    act: () => Promise<{ result: T; outcome: Readonly<Record<string, unknown>> }>,
  ): Promise<T> {
    let done: Awaited<ReturnType<typeof act>>;
    try {
      done = await act();
    } catch (error) {
      await this.#store.saveOutcome(id, {
        at: isoNow(this.#clock),
        succeeded: false,
        message: error instanceof Error ? error.message : String(error),
        data: {},
      });
      throw error;
    }
    await this.#store.saveOutcome(id, {
      at: isoNow(this.#clock),
      succeeded: true,
      message: `${kind} done`,
      data: done.outcome,
    });
    return done.result;
  }

  async #found(intent: IntentRecord): Promise<Readonly<Record<string, unknown>>> {
    const isStaging = intent.data.environment === 'staging' || intent.kind === 'route-measurement';
    const environment = isStaging ? 'staging' : 'production';
    const arms = await this.#platform.observe(intent.service, environment);
    return {
      environment,
      arms: arms.map(({ arm, weight }) => ({ id: arm.id, role: arm.role, weight })),
    };
  }
}

function nodeProblem(
  node: ArmObservation['nodes'][number],
  request: ArmRequest,
): string | undefined {
  if (node.status === undefined) return `the agent of node ${node.name} does not answer`;
  if (node.status.buildDigest !== request.build.digest) {
    return `node ${node.name} runs build ${node.status.buildDigest}, not ${request.build.digest}`;
  }
  if (node.status.configurationHash !== request.configuration.hash) {
    return `node ${node.name} has configuration ${node.status.configurationHash}, not ${request.configuration.hash}`;
  }
  return undefined;
}
