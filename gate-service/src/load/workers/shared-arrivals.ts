/** A worker's part of the arrivals; another one from now on when a worker is lost. Pure. */
import type { Random } from '../../statistics/random.ts';
import { createArrivals, type Arrivals } from '../arrivals.ts';
import type { MeasurementPlan, WorkerShare } from '../sender.ts';

export class SharedArrivals implements Arrivals {
  readonly #create: (share: WorkerShare) => Arrivals;
  #share: WorkerShare;
  #arrivals: Arrivals;
  #lastUs = 0;

  /** @param plan a worker's own, whose rate is that of its share */
  constructor(plan: MeasurementPlan, share: WorkerShare, random: Random) {
    // Two requests to a pair.
    const perSecondOfAll = 2 * plan.pairsPerSecond * share.of;
    this.#create = ({ of, place }) =>
      createArrivals(
        plan.arrivals,
        perSecondOfAll / of,
        random,
        plan.workload.phases,
        0,
        (place + 0.5) / of,
      );
    this.#share = share;
    this.#arrivals = this.#create(share);
  }

  /** From here on this part. */
  take(share: WorkerShare): void {
    if (share.place === this.#share.place && share.of === this.#share.of) return;
    this.#share = share;
    this.#arrivals = this.#create(share);
  }

  next(): number {
    let next = this.#arrivals.next();
    // Another part's times begin at 0 again: those that are past belong to nobody.
    while (next < this.#lastUs) next = this.#arrivals.next();
    this.#lastUs = next;
    return next;
  }
}
