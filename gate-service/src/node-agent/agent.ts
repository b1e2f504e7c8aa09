/** One node: its httpd and Jetty, what is in force on them, and who may change that when. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createStackConfiguration } from '../stack/configuration.ts';
import type { StackConfiguration } from '../stack/configuration.ts';
import { planSwap } from '../stack/swap-plan.ts';
import type { Log } from './log.ts';
import { BackOff } from './back-off.ts';
import { verifyBuild } from './build-file.ts';
import { messageOf } from './component-error.ts';
import { Httpd } from './httpd.ts';
import { Jettys } from './jetty.ts';
import { untilQuiet } from './drain.ts';
import { createNodeStore, type NodeStore } from './node-state.ts';
import type {
  ConfigurationResponse,
  DrainResponse,
  NodeDescription,
  NodeStatus,
} from './protocol.ts';
import { Refusal } from './refusal.ts';
import { httpdRuntimeDirectory, httpdUser } from './runtime-directory.ts';
import { probe, untilServing, type Serving } from './serving.ts';
import { endAll, endStrays, resume, startFresh, stateOf } from './start-up.ts';
import { readStatus, type NodePhase } from './status.ts';
import { SwapFailure, carryOut, retire, type InForce, type NodeParts } from './swap.ts';

const WATCH_MS = 250;
const RESTARTED_SERVES_MS = 20_000;

export class NodeAgent {
  readonly description: NodeDescription;
  readonly #parts: NodeParts;
  readonly #store: NodeStore;
  readonly #log: Log;
  readonly #backOffs = { httpd: new BackOff(), jetty: new BackOff() };
  #phase: NodePhase = 'starting';
  #failure: string | undefined;
  #inForce: InForce | undefined;
  /** The change under way; there is never more than one. */
  #work: Promise<unknown> | undefined;
  #watch: NodeJS.Timeout | undefined;
  #drain: Promise<DrainResponse> | undefined;
  /** The readiness request under way: however many ask at once, the application gets one. */
  #probe: Promise<Serving> | undefined;

  private constructor(parts: NodeParts, store: NodeStore, log: Log) {
    this.description = parts.description;
    this.#parts = parts;
    this.#store = store;
    this.#log = log;
  }

  /** Makes the node's folders; starts nothing. */
  static async create(description: NodeDescription, log: Log): Promise<NodeAgent> {
    for (const folder of ['httpd', 'jetty', 'processes']) {
      await mkdir(join(description.directory, folder), { recursive: true });
    }
    const store = createNodeStore(description.directory);
    const httpd = new Httpd(description, store, {
      runtimeDirectory: await httpdRuntimeDirectory(description.directory),
      user: httpdUser(),
    });
    return new NodeAgent(
      { description, httpd, jettys: new Jettys(description, store) },
      store,
      log,
    );
  }

  /** Starts the node or takes it over, and watches it from then on. Rejects with the reason; a fresh node's processes are gone then. */
  async start(): Promise<void> {
    try {
      await this.#exclusively(async () => {
        this.#inForce = await this.#bringUp();
      });
    } catch (error) {
      this.#failure = messageOf(error);
      this.#phase = 'stopped';
      if (!this.#parts.httpd.isRunning()) await this.#parts.httpd.removeRuntimeDirectory();
      throw error;
    }
    // Unless it was told to stop meanwhile.
    if (this.#phase !== 'starting') return;
    this.#phase = 'running';
    this.#scheduleWatch();
  }

  /** Puts a configuration in force. Rejects with {@link Refusal}; unless it says otherwise the former one is in force then. */
  async configure(values: unknown): Promise<ConfigurationResponse> {
    const checked = createStackConfiguration(values, this.description.resources);
    if (!checked.ok) {
      throw new Refusal(
        'invalid-configuration',
        `The configuration breaks ${checked.violations.length} rule(s); nothing was changed.`,
        { violations: checked.violations.map(({ rule, message }) => ({ rule, message })) },
      );
    }
    const from = this.#inForce;
    if (this.#phase !== 'running' || from === undefined) {
      throw new Refusal('not-ready', `The node is ${this.#phase}; wait until it is ready.`);
    }
    if (this.#work !== undefined) {
      throw new Refusal('busy', 'A swap or restart is under way on this node; ask again later.');
    }
    if (this.#drain !== undefined) {
      throw new Refusal('not-ready', 'The node is being drained and takes no configuration.');
    }
    const { hash } = checked.configuration;
    const previousHash = from.configuration.hash;
    if (hash === previousHash) {
      return { hash, previousHash, way: 'none', milliseconds: 0, steps: [] };
    }
    return this.#exclusively(async () => this.#swap(from, checked.configuration));
  }

  async status(): Promise<NodeStatus> {
    return readStatus({
      parts: this.#parts,
      phase: this.#drain !== undefined && this.#phase === 'running' ? 'stopping' : this.#phase,
      failure: this.#drain === undefined ? this.#failure : 'The node is being drained.',
      inForce: this.#inForce,
      counters: await this.#store.counters(),
    });
  }

  /** Whether traffic may come: a real request through httpd to Jetty is answered, and the node is not about to end. */
  async readiness(): Promise<Serving> {
    if (this.#drain !== undefined) return { ok: false, reason: 'The node is being drained.' };
    if (this.#phase !== 'running') return { ok: false, reason: `The node is ${this.#phase}.` };
    this.#probe ??= probe(this.description).finally(() => {
      this.#probe = undefined;
    });
    return this.#probe;
  }

  /** Not ready from now on, but serving; resolves when requests have stopped coming. Asked again it is the same drain. */
  async drain(): Promise<DrainResponse> {
    this.#drain ??= untilQuiet(async () => {
      const inForce = this.#inForce;
      if (this.#phase !== 'running' || inForce === undefined) return undefined;
      return this.#parts.jettys.jolokia(inForce.jetty).readCounters();
    });
    return this.#drain;
  }

  /** Drains the node and ends its processes. Waits for a change under way; never rejects for one that fails. */
  async stop(): Promise<void> {
    this.#phase = 'stopping';
    clearTimeout(this.#watch);
    while (this.#work !== undefined) await this.#work.catch(() => undefined);
    await this.#exclusively(async () => endAll(this.#parts));
    await this.#parts.httpd.removeRuntimeDirectory();
    this.#inForce = undefined;
    this.#failure = 'The node was told to stop.';
    this.#phase = 'stopped';
  }

  async #bringUp(): Promise<InForce> {
    const { description } = this;
    await verifyBuild(description.build);
    await this.#parts.httpd.adopt();
    await endStrays(this.#parts);
    const state = await this.#store.readState();
    if (state !== undefined) return resume(this.#parts, this.#store, state, this.#log);
    const checked = createStackConfiguration(description.configuration, description.resources);
    if (!checked.ok) {
      const list = checked.violations
        .map(({ rule, message }) => `\n- ${rule}: ${message}`)
        .join('');
      throw new Error(`The configuration in the node's description breaks rules:${list}`);
    }
    return startFresh(this.#parts, this.#store, checked.configuration);
  }

  async #swap(from: InForce, to: StackConfiguration): Promise<ConfigurationResponse> {
    const start = performance.now();
    const plan = planSwap(from.configuration, to);
    const own = plan.steps.filter((step) => step.target !== 'mesh');
    if (own.some((step) => step.way === 'replace')) {
      throw new Refusal(
        'replace-required',
        `Only a new node can take these changes: ${plan.knobs.join(', ')}.`,
      );
    }
    await this.#store.writeIntent({
      fromHash: from.configuration.hash,
      toHash: to.hash,
      startedAt: new Date().toISOString(),
      httpd: own.some((step) => step.target === 'httpd'),
    });
    try {
      const { inForce, steps } = await carryOut(this.#parts, plan, from, to);
      await this.#store.writeState(stateOf(this.#parts, inForce));
      this.#inForce = inForce;
      const timed = [...steps];
      if (inForce.jetty.process.pid !== from.jetty.process.pid) {
        const drain = performance.now();
        await retire(this.#parts, from.jetty);
        timed.push({ name: 'route: drain', milliseconds: performance.now() - drain });
      }
      await this.#tidy(inForce);
      return {
        hash: to.hash,
        previousHash: from.configuration.hash,
        way: plan.way,
        milliseconds: performance.now() - start,
        steps: timed,
      };
    } catch (error) {
      const restored = error instanceof SwapFailure && error.restored;
      this.#log(`swap to ${to.hash} failed: ${messageOf(error)}`);
      throw new Refusal('swap-failed', messageOf(error), {
        cause: error,
        restoredHash: restored ? from.configuration.hash : undefined,
      });
    } finally {
      await this.#store.removeIntent();
    }
  }

  async #tidy(inForce: InForce): Promise<void> {
    const { httpd, jettys } = this.#parts;
    await httpd.prune(inForce.httpdVersion);
    await jettys.prune([inForce.jetty.generation]);
  }

  async #exclusively<Value>(work: () => Promise<Value>): Promise<Value> {
    const promise = work();
    this.#work = promise;
    try {
      return await promise;
    } finally {
      this.#work = undefined;
    }
  }

  #scheduleWatch(): void {
    this.#watch = setTimeout(() => {
      void this.#lookAfter().finally(() => {
        if (this.#phase === 'running') this.#scheduleWatch();
      });
    }, WATCH_MS);
  }

  /** Starts again what has died, with growing pauses. */
  async #lookAfter(): Promise<void> {
    const inForce = this.#inForce;
    if (this.#work !== undefined || inForce === undefined) return;
    const { httpd, jettys } = this.#parts;
    if (!httpd.isRunning()) {
      await this.#restart('httpd', async () => {
        this.#log(await httpd.causeOfEnd());
        await httpd.start(inForce.statusPort);
      });
    }
    if (!jettys.isRunning(inForce.jetty)) {
      await this.#restart('jetty', async () => {
        this.#log(await jettys.causeOfEnd(inForce.jetty));
        const { configuration, jetty } = inForce;
        const started = await jettys.start(configuration, jetty.colour);
        this.#inForce = { ...inForce, jetty: started };
        await this.#store.writeState(stateOf(this.#parts, this.#inForce));
        await jettys.prune([started.generation]);
      });
    }
  }

  async #restart(component: 'httpd' | 'jetty', work: () => Promise<void>): Promise<void> {
    const backOff = this.#backOffs[component];
    if (this.#phase !== 'running' || !backOff.isDue(performance.now())) return;
    backOff.attempted(performance.now());
    try {
      await this.#exclusively(async () => {
        await this.#store.next(component === 'httpd' ? 'httpdRestarts' : 'jettyRestarts');
        await work();
        this.#failure = undefined;
        await untilServing(this.description, RESTARTED_SERVES_MS);
      });
      this.#log(`${component} was started again`);
    } catch (error) {
      this.#failure = messageOf(error);
      this.#log(`${component} could not be started again: ${messageOf(error)}`);
    }
  }
}
