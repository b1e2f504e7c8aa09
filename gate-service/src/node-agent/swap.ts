/** Carries a swap plan out on one node: make before break, verified, undone by the former version. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StackConfiguration } from '../stack/configuration.ts';
import type { SwapPlan, SwapStep } from '../stack/swap-plan.ts';
import { ComponentError, messageOf } from './component-error.ts';
import type { Httpd } from './httpd.ts';
import type { JettyInstance, Jettys } from './jetty.ts';
import { otherColour } from './node-state.ts';
import { poll } from './poll.ts';
import type { NodeDescription } from './protocol.ts';
import { probe, untilServing } from './serving.ts';

/** After a graceful restart httpd may accept nothing for a second. */
const VERIFY_TIMEOUT_MS = 10_000;
const SWITCH_TIMEOUT_MS = 10_000;
/** Requests that were mapped to the old Jetty before the switch arrive there within this. */
const SETTLE_MS = 1000;
const DRAIN_TIMEOUT_MS = 60_000;
const QUIET_READINGS = 3;

/** What serves on this node. */
export interface InForce {
  readonly configuration: StackConfiguration;
  readonly httpdVersion: number;
  readonly jetty: JettyInstance;
  readonly statusPort: number;
}

export interface NodeParts {
  readonly description: NodeDescription;
  readonly httpd: Httpd;
  readonly jettys: Jettys;
}

export interface TimedStep {
  readonly name: string;
  readonly milliseconds: number;
}

export interface SwapResult {
  readonly inForce: InForce;
  readonly steps: readonly TimedStep[];
}

/** A swap that did not take effect. `restored`: the former version was put back and verified. */
export class SwapFailure extends Error {
  readonly restored: boolean;
  constructor(message: string, restored: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SwapFailure';
    this.restored = restored;
  }
}

type Undo = () => Promise<void>;

/**
 * Takes the plan's steps that are the agent's own (the mesh is the platform's), in their order,
 * then verifies with a real request. Old processes go on running: {@link retire} ends them when
 * the new version is stored.
 * @throws SwapFailure
 */
export async function carryOut(
  parts: NodeParts,
  plan: SwapPlan,
  from: InForce,
  to: StackConfiguration,
): Promise<SwapResult> {
  const steps: TimedStep[] = [];
  const undos: Undo[] = [];
  let inForce: InForce = { ...from, configuration: to };
  const timed = async <Value>(name: string, work: () => Promise<Value>): Promise<Value> => {
    const start = performance.now();
    const value = await work();
    steps.push({ name, milliseconds: performance.now() - start });
    return value;
  };
  try {
    for (const step of plan.steps) {
      const change = stepOf(parts, step, from, to);
      if (change === undefined) continue;
      const changed = await change(timed, (undo) => undos.push(undo));
      inForce = { ...inForce, ...changed };
    }
    await timed('verify', async () => untilServing(parts.description, VERIFY_TIMEOUT_MS));
    return { inForce, steps };
  } catch (error) {
    const why = messageOf(error);
    try {
      await timed('restore', async () => restore(parts, from, undos));
    } catch (second) {
      throw new SwapFailure(
        `${why}\nPutting the former configuration back failed too: ${messageOf(second)}`,
        false,
        { cause: error },
      );
    }
    throw new SwapFailure(why, true, { cause: error });
  }
}

type Timed = <Value>(name: string, work: () => Promise<Value>) => Promise<Value>;
type Change = (timed: Timed, undo: (undo: Undo) => void) => Promise<Partial<InForce>>;

function stepOf(
  parts: NodeParts,
  step: SwapStep,
  from: InForce,
  to: StackConfiguration,
): Change | undefined {
  if (step.target === 'mesh') return undefined;
  switch (step.way) {
    case 'live':
      return live(parts, from, to);
    case 'route':
      return route(parts, from, to);
    case 'graceful':
      return graceful(parts, from, to);
    case 'replace':
      throw new ComponentError('node', 'a node cannot replace itself; the platform must');
  }
}

/** Sets the bounds of Jetty's pool while it serves. */
function live({ jettys }: NodeParts, from: InForce, to: StackConfiguration): Change {
  return async (timed, undo) => {
    const jolokia = jettys.jolokia(from.jetty);
    undo(async () => {
      await jolokia.resizePool(poolSizeOf(from.configuration));
    });
    await timed('live', async () => jolokia.resizePool(poolSizeOf(to)));
    return {};
  };
}

/** A new Jetty beside the old one takes over by the pool file; httpd is not restarted. */
function route(parts: NodeParts, from: InForce, to: StackConfiguration): Change {
  const { jettys, httpd, description } = parts;
  return async (timed, undo) => {
    const colour = otherColour(from.jetty.colour);
    const jetty = await timed('route: start', async () => jettys.start(to, colour));
    undo(async () => {
      await httpd.pointAt(description.ports.jetty[from.jetty.colour]);
      await jettys.stop(jetty);
    });
    await timed('route: warm up', async () => jettys.warmUp(jetty));
    await timed('route: switch', async () => switchTo(parts, jetty));
    return { jetty };
  };
}

async function switchTo({ jettys, httpd, description }: NodeParts, jetty: JettyInstance) {
  const jolokia = jettys.jolokia(jetty);
  const before = (await jolokia.readCounters()).total;
  await httpd.pointAt(description.ports.jetty[jetty.colour]);
  const reached = await poll(
    async () => {
      const { ok } = await probe(description);
      return ok && (await jolokia.readCounters()).total > before ? true : undefined;
    },
    { everyMs: 50, timeoutMs: SWITCH_TIMEOUT_MS },
  );
  if (reached === undefined) {
    throw new ComponentError(
      'httpd',
      `no request through httpd reached the new Jetty within ${SWITCH_TIMEOUT_MS / 1000} s of the switch`,
    );
  }
}

/** httpd reads a new version, checked before; connections of the old generation finish. */
function graceful({ httpd }: NodeParts, from: InForce, to: StackConfiguration): Change {
  return async (timed, undo) => {
    const httpdVersion = await timed('graceful: check', async () =>
      httpd.prepare(to, from.statusPort),
    );
    undo(async () => {
      await httpd.activate(from.httpdVersion);
      if (httpd.isRunning()) await httpd.graceful(from.statusPort);
    });
    await httpd.activate(httpdVersion);
    await timed('graceful: restart', async () => httpd.graceful(from.statusPort));
    return { httpdVersion };
  };
}

async function restore(parts: NodeParts, from: InForce, undos: readonly Undo[]): Promise<void> {
  const { httpd, jettys, description } = parts;
  for (const undo of undos.toReversed()) await undo();
  if (!httpd.isRunning()) await httpd.start(from.statusPort);
  if (!jettys.isRunning(from.jetty)) throw new ComponentError('jetty', 'the former Jetty is gone');
  await untilServing(description, VERIFY_TIMEOUT_MS);
}

/** Ends a Jetty that gets no requests any more, once those in flight are through. */
export async function retire({ jettys }: NodeParts, old: JettyInstance): Promise<void> {
  const jolokia = jettys.jolokia(old);
  await sleep(SETTLE_MS);
  let quiet = 0;
  await poll(
    async () => {
      // No answer: it is gone or stuck, and stopping it is all that is left.
      const active = await jolokia.readCounters().then(
        (counters) => counters.active,
        () => 0,
      );
      quiet = active === 0 ? quiet + 1 : 0;
      return quiet >= QUIET_READINGS ? true : undefined;
    },
    { everyMs: 100, timeoutMs: DRAIN_TIMEOUT_MS },
  );
  await jettys.stop(old);
}

export function poolSizeOf({ values }: StackConfiguration): {
  minThreads: number;
  maxThreads: number;
} {
  return { minThreads: values['jetty.minThreads'], maxThreads: values['jetty.maxThreads'] };
}
