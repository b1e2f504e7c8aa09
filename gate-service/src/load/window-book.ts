/** Keeps account of the windows until each is complete. */
import type { FitnessProbe, Pulse } from './fitness-probe.ts';
import { nearestRank } from './nearest-rank.ts';
import type { WindowFitness } from './sample.ts';
import type { WarmUpWindow } from './warm-up.ts';

export interface CompleteWindow {
  readonly fitness: WindowFitness;
  readonly warmUp: WarmUpWindow;
}

interface OpenWindow {
  readonly window: number;
  readonly from: Pulse;
  to?: Pulse;
  sent: number;
  received: number;
  waited: number;
  readonly latenessUs: number[];
  /** Of the two arms' good answers; gathered in warm-up only. */
  readonly latenciesUs: [number[], number[]];
  /** Requests of all windows that were under way when it ended. */
  inFlight?: number;
}

/**
 * A window is complete when the next one has begun and all its requests have their record. Windows are
 * reported in order, each once.
 */
export class WindowBook {
  readonly #probe: FitnessProbe;
  readonly #complete: (window: CompleteWindow) => void;
  readonly #failed: (error: unknown) => void;
  readonly #contained: boolean;
  readonly #open: OpenWindow[] = [];
  #underWay = 0;
  #reports: Promise<void> = Promise.resolve();

  constructor(
    probe: FitnessProbe,
    complete: (window: CompleteWindow) => void,
    failed: (error: unknown) => void,
    contained = false,
  ) {
    this.#contained = contained;
    this.#probe = probe;
    this.#complete = complete;
    this.#failed = failed;
  }

  /** Begins a window and thereby ends the one before; the same number again changes nothing. */
  begin(window: number): void {
    const current = this.#open.at(-1);
    if (current?.window === window && current.to === undefined) return;
    const pulse = this.#probe.take();
    if (current !== undefined) this.#end(current, pulse);
    this.#open.push({
      window,
      from: pulse,
      sent: 0,
      received: 0,
      waited: 0,
      latenessUs: [],
      latenciesUs: [[], []],
    });
    this.#closeComplete();
  }

  /** No window follows. */
  end(): void {
    const current = this.#open.at(-1);
    if (current !== undefined && current.to === undefined) this.#end(current, this.#probe.take());
    this.#closeComplete();
  }

  #end(open: OpenWindow, pulse: Pulse): void {
    if (open.to !== undefined) return;
    open.to = pulse;
    open.inFlight = this.#underWay;
  }

  sent(window: number, latenessUs: number, waited: boolean): void {
    const open = this.#find(window);
    if (open === undefined) return;
    open.sent += 1;
    this.#underWay += 1;
    open.latenessUs.push(latenessUs);
    if (waited) open.waited += 1;
  }

  received(window: number, arm: 0 | 1, latencyUs: number, ok: boolean): void {
    const open = this.#find(window);
    if (open === undefined) return;
    open.received += 1;
    this.#underWay -= 1;
    if (ok && window < 0) open.latenciesUs[arm].push(latencyUs);
    if (open.to !== undefined) this.#closeComplete();
  }

  /** Resolves when all complete windows have been reported. */
  settled(): Promise<void> {
    return this.#reports;
  }

  /** Few are open at a time, and the wanted one is mostly the last. */
  #find(window: number): OpenWindow | undefined {
    return this.#open.findLast((open) => open.window === window);
  }

  #closeComplete(): void {
    for (;;) {
      const [first] = this.#open;
      if (first?.to === undefined || first.received < first.sent) return;
      this.#open.shift();
      const { to } = first;
      this.#reports = this.#reports.then(() => this.#report(first, to)).catch(this.#failed);
    }
  }

  async #report(open: OpenWindow, to: Pulse): Promise<void> {
    const difference = await this.#probe.between(open.from, to);
    const { window, sent, received, waited, latenessUs, latenciesUs, inFlight = 0 } = open;
    const latenessP99Us = latenessUs.length === 0 ? 0 : nearestRank(latenessUs, 0.99);
    this.#complete({
      fitness: {
        window,
        latenessP99Us,
        ...difference,
        sent,
        received,
        waited,
        ...(this.#contained ? { contained: true } : {}),
      },
      warmUp: { latenciesUs, waited, inFlight },
    });
  }
}
