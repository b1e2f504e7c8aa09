/** Pushes to a gate in the cluster, as its chart installs it, from the request to the decision; users on production all the while. */
import type { SampleFlavour } from '../../../gate-service/src/settings/components.ts';
import { chartGateBed, type ChartGateBed } from '../../kubernetes/support/chart-gate-bed.ts';
import { SteadyLoad } from '../../kubernetes/support/steady-load.ts';
import { gatewayUrl } from '../../support/cluster/layout.ts';
import { pushRow, type PushRow, type Users } from './rows.ts';

/** More would take the cores that the measurement needs on a machine that is the whole cluster. */
const USERS_PER_SECOND = 20;
const PAIRS_PER_SECOND = 40;
/** In turn: both are equally fast, so that each push is promoted. */
const BUILDS = ['1.1', '1.0'] as const satisfies readonly SampleFlavour[];

export interface Pushes extends Users {
  readonly rows: readonly PushRow[];
}

/** @throws Error when the gate does not come up or answer; the signal's reason */
export async function measurePushes(
  pushes: number,
  say: (message: string) => void,
  signal: AbortSignal,
): Promise<Pushes> {
  const bed = await chartGateBed(
    {
      nodes: { staging: 1, production: 1 },
      thresholds: ['p50 <= baseline + 100%', 'errors < 5%'],
      shown: [],
      promotion: { default: 'auto', stepSeconds: 10, holdSeconds: 10, minimumRequests: 20 },
    },
    PAIRS_PER_SECOND,
  );
  const undo: (() => Promise<unknown>)[] = [() => bed.close()];
  try {
    const users = new SteadyLoad(
      `${gatewayUrl('production')}/cart?id=1`,
      bed.host,
      USERS_PER_SECOND,
    );
    undo.push(() => users.stop());
    await users.next(USERS_PER_SECOND);
    const rows: PushRow[] = [];
    for (let number = 0; number < pushes; number += 1) {
      signal.throwIfAborted();
      const row = await push(bed, BUILDS[number % BUILDS.length] ?? '1.1', signal);
      say(`push ${number + 1}: ${row.decision} (${row.cause}) after ${row.seconds} s`);
      rows.push(row);
    }
    await users.stop();
    return { rows, requests: users.answers.length, failed: users.failures.length };
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

async function push(
  { images, user }: ChartGateBed,
  flavour: SampleFlavour,
  signal: AbortSignal,
): Promise<PushRow> {
  const { digest, location } = images[flavour];
  const build = `${location}@sha256:${digest}`;
  const id = await user.submit({ build, promote: 'auto' });
  return pushRow(await user.finished(id, signal));
}
