/** Putting another configuration in force on an arm, the cheapest way that its knobs allow; see `Platform.apply`. */
import type { StackConfiguration } from '../../../stack/configuration.ts';
import { planSwap, type SwapWay } from '../../../stack/swap-plan.ts';
import type { ApplyReport, Arm } from '../../platform.ts';
import { stagesOf } from '../../swap-stages.ts';
import { undone } from '../../undo.ts';
import { throwIfAborted } from '../../wait-until.ts';
import { armOf } from '../arms/list.ts';
import { withoutSwap, type ArmRecord } from '../arms/record.ts';
import { configurePods, requireEverywhere } from './configure.ts';
import { configurationOf, requireArm, storeRecord, type KubernetesContext } from './context.ts';
import { converge } from './converge.ts';

/** On failure the former configuration is in force again on all pods. */
export async function apply(
  context: KubernetesContext,
  armId: string,
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<ApplyReport> {
  const started = performance.now();
  const { arm } = await requireArm(context, armId, signal);
  const from = configurationOf(context, arm);
  const plan = planSwap(from, to);
  const report = async (ways: readonly SwapWay[]): Promise<ApplyReport> => ({
    arm: await observedArm(context, armId),
    ways,
    milliseconds: performance.now() - started,
  });
  if (plan.way === 'none') return report(['none']);
  throwIfAborted(signal);
  try {
    await changeRecord(context, armId, (record) => ({
      ...record,
      applying: { hash: to.hash, values: { ...to.values } },
    }));
    const ways = new Set<SwapWay>();
    for (const stage of stagesOf(plan, from, to)) {
      throwIfAborted(signal);
      if (stage.target === 'mesh') {
        await changeMesh(context, armId, stage.values, signal);
        ways.add('live');
      } else {
        ways.add(await configurePods(context, armId, stage.way, to, signal));
      }
    }
    await requireEverywhere(context, armId, to, signal);
    await changeRecord(context, armId, (record) => ({
      ...withoutSwap(record),
      values: { ...to.values },
      meshValues: { ...to.values },
      hash: to.hash,
    }));
    // A container that was started again before the record had it has started with the former one.
    await requireEverywhere(context, armId, to, signal);
    context.log(
      `arm ${armId}: configuration ${to.hash.slice(0, 12)} in force by ${[...ways].join(', ')}`,
    );
    return await report([...ways]);
  } catch (error) {
    throw await undone(error, armId, from, 'pod', () => converge(context, armId, from));
  }
}

/** Knobs of the mesh: stored first, so that every later plan has them. */
async function changeMesh(
  context: KubernetesContext,
  armId: string,
  values: ArmRecord['meshValues'],
  signal: AbortSignal,
): Promise<void> {
  await changeRecord(context, armId, (record) => ({
    ...record,
    meshValues: { ...record.meshValues, ...values },
  }));
  const { at } = await requireArm(context, armId, signal);
  await at.change((routes) => routes, { pods: 'some', signal });
}

async function changeRecord(
  context: KubernetesContext,
  armId: string,
  change: (record: ArmRecord) => ArmRecord,
): Promise<void> {
  const { at, arm } = await requireArm(context, armId);
  await storeRecord(at, arm, change(arm.record));
}

async function observedArm(context: KubernetesContext, armId: string): Promise<Arm> {
  const { at, arm } = await requireArm(context, armId);
  return armOf(arm, at.service.placement.ports.http);
}
