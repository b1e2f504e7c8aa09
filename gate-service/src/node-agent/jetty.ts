/** The Jettys of one node: started each in a fresh folder, known again by their records. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { isRunning, startDetached, stopProcess, usageOf } from '../processes/detached-process.ts';
import type { ProcessExit, ProcessUsage } from '../processes/detached-process.ts';
import { isPortFree } from '../processes/free-port.ts';
import { tailOf } from '../processes/log-tail.ts';
import {
  processRecordSchema,
  writeFileAtomically,
  type ProcessRecord,
} from '../processes/process-record.ts';
import type { StackConfiguration } from '../stack/configuration.ts';
import { JETTY_STATE_FILE, JETTY_STOP_TIMEOUT_MS, jettyCommand } from '../stack/jetty.ts';
import { ComponentError } from './component-error.ts';
import { withoutStartJar } from './jetty-class-path.ts';
import { createJolokia, withRequestCounters, type Jolokia } from './jolokia.ts';
import { askLocally } from './local-http.ts';
import { excerptOf } from './log-excerpt.ts';
import type { Colour, NodeStore } from './node-state.ts';
import { poll } from './poll.ts';
import type { NodeDescription } from './protocol.ts';

/** Of every Jetty; a class data archive is made with the same. */
export const JETTY_HEAP = { minimumMiB: 64, maximumMiB: 256 };
/** A start takes 1 to 8 s; with eight JVMs on two cores several times that. */
const START_TIMEOUT_MS = 90_000;
/** An application that answers 4xx or 5xx on its health path after the start may still be warming up. */
const UNHEALTHY_GRACE_MS = 8000;
const PROBE_TIMEOUT_MS = 5000;
/** The first request to a new JVM takes 40 to 50 ms, the fiftieth less than one. */
const WARM_UP_REQUESTS = 50;

const instanceSchema = z.strictObject({
  process: processRecordSchema,
  colour: z.union([z.literal(0), z.literal(1)]),
  generation: z.int().positive(),
  login: z.string(),
});

/** One Jetty, as its record file has it. */
export interface JettyInstance {
  readonly process: ProcessRecord;
  readonly colour: Colour;
  readonly generation: number;
  /** `user:password` of Jolokia. */
  readonly login: string;
  /** How it ended; known only while the agent that started it lives. */
  readonly exit?: () => ProcessExit | undefined;
}

export class Jettys {
  readonly #description: NodeDescription;
  readonly #store: NodeStore;

  constructor(description: NodeDescription, store: NodeStore) {
    this.#description = description;
    this.#store = store;
  }

  /** Starts a Jetty of this colour and waits until the application answers its health path. On failure nothing of it is left. */
  async start(configuration: StackConfiguration, colour: Colour): Promise<JettyInstance> {
    await this.#requireFreePorts(colour);
    const generation = await this.#store.next('jettyGeneration');
    const base = this.directoryOf(generation);
    const password = randomBytes(24).toString('hex');
    const login = `speed-gate:${password}`;
    const { components, ports, build, systemProperties, fastStart } = this.#description;
    const launch = jettyCommand(configuration, {
      java: components.java,
      jettyHome: components.jettyHome,
      jolokiaJar: components.jolokia,
      ports: { http: ports.jetty[colour], jolokia: ports.jolokia[colour] },
      jolokiaLogin: { user: 'speed-gate', password },
      base,
      war: build.war,
      heap: JETTY_HEAP,
      ...(components.classDataArchive !== undefined && {
        classDataArchive: components.classDataArchive,
      }),
      systemProperties,
    });
    for (const folder of launch.directories) await mkdir(join(base, folder), { recursive: true });
    for (const [name, { text, mode }] of Object.entries(withRequestCounters(launch.files))) {
      const file = join(base, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { mode });
      await chmod(file, mode);
    }
    const [command, ...args] = withoutStartJar(launch, components.jettyHome);
    if (fastStart === true) args.unshift('-XX:TieredStopAtLevel=1');
    let exit: ProcessExit | undefined;
    const process = await startDetached({
      command,
      args,
      cwd: launch.cwd,
      logFile: join(base, 'jetty.log'),
      onExit: (how) => {
        exit = how;
      },
    });
    const instance: JettyInstance = { process, colour, generation, login, exit: () => exit };
    await writeFileAtomically(
      this.#recordFile(colour),
      `${JSON.stringify({ process, colour, generation, login })}\n`,
    );
    try {
      await this.#untilReady(instance);
      return instance;
    } catch (error) {
      await this.stop(instance, 0);
      throw error;
    }
  }

  /** The Jetty of this colour that an earlier agent (or this one) started, when it still runs. */
  async running(colour: Colour): Promise<JettyInstance | undefined> {
    let text: string;
    try {
      text = await readFile(this.#recordFile(colour), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const instance = instanceSchema.parse(JSON.parse(text));
    return isRunning(instance.process) ? instance : undefined;
  }

  /** Of all Jettys that are known and run. */
  async pids(): Promise<number[]> {
    const both = [await this.running(0), await this.running(1)];
    return both.flatMap((instance) => (instance === undefined ? [] : [instance.process.pid]));
  }

  isRunning(instance: JettyInstance): boolean {
    return isRunning(instance.process);
  }

  /** Requests in flight may finish; then the process and its folder are gone (its log is kept while it is the last). */
  async stop(instance: JettyInstance, graceMs = JETTY_STOP_TIMEOUT_MS + 3000): Promise<void> {
    await stopProcess(instance.process, { signal: 'SIGTERM', graceMs });
    await rm(this.#recordFile(instance.colour), { force: true });
  }

  /** Removes the folders of Jettys that ended, all but the last one's for its log. */
  async prune(keep: readonly number[]): Promise<void> {
    const folder = join(this.#description.directory, 'jetty');
    const last = (await this.#store.counters()).jettyGeneration;
    for (const name of await readdir(folder).catch(() => [])) {
      const generation = Number(name);
      if (Number.isInteger(generation) && generation !== last && !keep.includes(generation)) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
    }
  }

  /** Brings a fresh JVM over its slow first requests. Health requests only: they change nothing. */
  async warmUp(instance: JettyInstance): Promise<void> {
    for (let sent = 0; sent < WARM_UP_REQUESTS; sent += 1) {
      const status = await this.#probe(instance.colour);
      if (status >= 400) {
        throw new ComponentError(
          'jetty',
          `the new Jetty answered ${status} while it was warmed up on ${this.#description.healthPath}`,
        );
      }
    }
  }

  jolokia(instance: JettyInstance): Jolokia {
    return createJolokia({
      port: this.#description.ports.jolokia[instance.colour],
      login: instance.login,
    });
  }

  usage(instance: JettyInstance): ProcessUsage | undefined {
    return usageOf(instance.process);
  }

  /** How it ended, with the part of its log that tells why. */
  async causeOfEnd(instance: JettyInstance): Promise<string> {
    const exit = instance.exit?.();
    const how =
      exit === undefined
        ? 'ended'
        : exit.signal === null
          ? `ended with exit code ${exit.code ?? '?'}`
          : `was ended by ${exit.signal}`;
    return `Jetty ${how}; ${await this.#logExcerpt(instance)}`;
  }

  directoryOf(generation: number): string {
    return join(this.#description.directory, 'jetty', String(generation));
  }

  #recordFile(colour: Colour): string {
    return join(this.#description.directory, 'processes', `jetty-${colour}.json`);
  }

  async #requireFreePorts(colour: Colour): Promise<void> {
    for (const kind of ['jetty', 'jolokia'] as const) {
      const port = this.#description.ports[kind][colour];
      if (!(await isPortFree(port))) {
        throw new ComponentError(
          'jetty',
          `port 127.0.0.1:${port}, meant for ${kind === 'jetty' ? 'Jetty' : 'Jolokia'}, is taken by another process; end that process or give the node another port`,
        );
      }
    }
  }

  async #untilReady(instance: JettyInstance): Promise<void> {
    const { healthPath } = this.#description;
    let lastStatus = 0;
    let startedAt: number | undefined;
    const ready = await poll(
      async () => {
        if (!isRunning(instance.process)) {
          throw new ComponentError('jetty', await this.causeOfEnd(instance));
        }
        lastStatus = await this.#probe(instance.colour).catch(() => 0);
        if (lastStatus > 0 && lastStatus < 400) return true;
        const state = await this.#stateOf(instance);
        if (state === 'FAILED') {
          throw new ComponentError(
            'jetty',
            `the application did not start in Jetty; ${await this.#logExcerpt(instance)}`,
          );
        }
        if (state === 'STARTED') startedAt ??= performance.now();
        if (startedAt !== undefined && performance.now() - startedAt > UNHEALTHY_GRACE_MS) {
          throw new ComponentError(
            'jetty',
            `Jetty runs, but the application answers ${lastStatus} on ${healthPath}; ${await this.#logExcerpt(instance)}`,
          );
        }
        return undefined;
      },
      { everyMs: 50, timeoutMs: START_TIMEOUT_MS },
    );
    if (ready === undefined) {
      throw new ComponentError(
        'jetty',
        `Jetty did not answer below 400 on ${healthPath} within ${START_TIMEOUT_MS / 1000} s (last status ${lastStatus}); ${await this.#logExcerpt(instance)}`,
      );
    }
    // Without it nothing could be raised or reported: fail now, not at the first swap.
    await this.jolokia(instance).readPool();
  }

  /** The last state that Jetty wrote of itself; one whose application failed does not always end. */
  async #stateOf(instance: JettyInstance): Promise<string | undefined> {
    const file = join(this.directoryOf(instance.generation), JETTY_STATE_FILE);
    const text = await readFile(file, 'utf8').catch(() => '');
    return text.trim().split('\n').at(-1)?.split(' ')[0];
  }

  async #probe(colour: Colour): Promise<number> {
    const { ports, healthPath } = this.#description;
    const { status } = await askLocally({
      port: ports.jetty[colour],
      path: healthPath,
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    return status;
  }

  async #log(instance: JettyInstance): Promise<string> {
    return tailOf(join(this.directoryOf(instance.generation), 'jetty.log'), 400);
  }

  async #logExcerpt(instance: JettyInstance): Promise<string> {
    const excerpt = excerptOf(await this.#log(instance));
    return excerpt === '' ? 'its log is empty' : `its log says:\n${excerpt}`;
  }
}
