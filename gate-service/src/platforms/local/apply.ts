/** Putting another configuration in force on an arm, the cheapest way that its knobs allow. */
import type { StackConfiguration } from '../../stack/configuration.ts';
import { planSwap, type SwapWay } from '../../stack/swap-plan.ts';
import { ReplaceRequiredError } from '../configure-agent.ts';
import { PlatformError, type ApplyReport } from '../platform.ts';
import { configureDrained, configureInPlace, othersCanServe } from './configure-node.ts';
import {
  armOf,
  configurationOf,
  inArm,
  presentNodes,
  requireArm,
  type PlatformContext,
} from './context.ts';
import { converge } from './converge.ts';
import { replaceNodes } from './replace-nodes.ts';
import { stagesOf, type Stage } from '../swap-stages.ts';
import { undone } from '../undo.ts';
import { throwIfAborted, waitUntil } from '../wait-until.ts';

/** For the agent's word that the new configuration is in force. */
const OBSERVED_MS = 10_000;

/** See `Platform.apply`. On failure the former configuration is in force again on all nodes. */
export async function applyToArm(
  context: PlatformContext,
  armId: string,
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<ApplyReport> {
  const started = performance.now();
  const { state, log } = context;
  const arm = requireArm(context, armId);
  if (arm.phase !== 'present') {
    throw new PlatformError('refused', `Arm ${armId} is ${arm.phase}; it takes no configuration.`);
  }
  const from = configurationOf(context, arm);
  const plan = planSwap(from, to);
  const report = (ways: readonly SwapWay[]): ApplyReport => ({
    arm: armOf(requireArm(context, armId)),
    ways,
    milliseconds: performance.now() - started,
  });
  if (plan.way === 'none') return report(['none']);
  throwIfAborted(signal);
  await state.update(
    inArm(armId, (draft) => {
      draft.applying = to.hash;
    }),
  );
  try {
    const ways = await carryOut(context, armId, stagesOf(plan, from, to), to, signal);
    await requireEverywhere(context, armId, to, signal);
    await state.update(
      inArm(armId, (draft) => {
        draft.values = { ...to.values };
        draft.meshValues = { ...to.values };
        draft.hash = to.hash;
        delete draft.applying;
      }),
    );
    log.info(`arm ${armId}: configuration ${to.hash.slice(0, 12)} in force by ${ways.join(', ')}`);
    return report(ways);
  } catch (error) {
    throw await undone(error, armId, from, 'node', () => converge(context, armId, from));
  }
}

async function carryOut(
  context: PlatformContext,
  armId: string,
  stages: readonly Stage[],
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<readonly SwapWay[]> {
  const ways = new Set<SwapWay>();
  for (const stage of stages) {
    throwIfAborted(signal);
    if (stage.target === 'mesh') {
      await context.mesh.change(
        requireArm(context, armId).environment,
        inArm(armId, (arm) => {
          arm.meshValues = { ...arm.meshValues, ...stage.values };
        }),
      );
      ways.add('live');
    } else {
      ways.add(await changeNodes(context, armId, stage.way, to, signal));
    }
  }
  return [...ways];
}

async function changeNodes(
  context: PlatformContext,
  armId: string,
  way: Exclude<SwapWay, 'none'>,
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<SwapWay> {
  const nodes = presentNodes(requireArm(context, armId));
  const replaceAll = async (): Promise<SwapWay> => {
    await replaceNodes(context, armId, nodes, to, signal);
    return 'replace';
  };
  if (way === 'replace') return replaceAll();
  for (const node of nodes) {
    throwIfAborted(signal);
    try {
      if (way !== 'graceful') {
        await configureInPlace(context, node, to, signal);
      } else if (await othersCanServe(context, armId, node)) {
        await configureDrained(context, armId, node, to, signal);
      } else {
        // A graceful restart in rotation loses requests, and nobody else could take them.
        return await replaceAll();
      }
    } catch (error) {
      if (error instanceof ReplaceRequiredError) return replaceAll();
      throw error;
    }
  }
  return way;
}

/** What was changed is observed, not assumed. An agent that is slow or just restarts is asked again. */
async function requireEverywhere(
  { fleet, state }: PlatformContext,
  armId: string,
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<void> {
  const nodes = state.state.arms.find(({ id }) => id === armId)?.nodes ?? [];
  for (const node of nodes.filter(({ phase }) => phase === 'present')) {
    let seen: string | undefined;
    const inForce = await waitUntil(
      async () => {
        seen = (await fleet.status(node, signal))?.configurationHash;
        return seen === to.hash ? true : undefined;
      },
      { timeoutMs: OBSERVED_MS, signal },
    );
    if (inForce === true) continue;
    throw new PlatformError(
      'swap-failed',
      `Node ${node.name} has configuration ${seen ?? '(its agent does not answer)'} after the swap to ${to.hash}.`,
    );
  }
}
