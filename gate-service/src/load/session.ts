/** One measurement inside the sender process: sends by schedule, whatever the answers do (open loop). */
import { createAnswerCheck } from './answer.ts';
import { Deadlines } from './deadlines.ts';
import { FitnessProbe } from './fitness-probe.ts';
import { Metronome } from './metronome.ts';
import { monotonicUs } from './monotonic.ts';
import { RequestClient, type Exchange, type Settled } from './request-client.ts';
import { plainField, PLANTED_HELD } from './sample-format.ts';
import { SampleOutput } from './sample-output.ts';
import type { Schedule } from './schedule.ts';
import type { MeasurementEnd } from './sample.ts';
import type { MeasurementPlan, PlantedBlock, SenderArm } from './sender.ts';
import { TargetWatch } from './target-watch.ts';
import { hasOwnTrace, TRACE_HEADER, traceparentOf } from './trace-context.ts';
import { createTurns, ownSchedule } from './turns-of-plan.ts';
import type { Turn, Turns } from './turns.ts';
import { isWarm, warmupWindowSeconds, type WarmUpWindow } from './warm-up.ts';
import { WindowBook, type CompleteWindow } from './window-book.ts';
import type { WindowSchedule } from './window-schedule.ts';
import { OrderedSchedule } from './workers/ordered-schedule.ts';
import { CLOCK_REMARK, LAST_REMARK, READY_REMARK, type Order } from './workers/orders.ts';
import type { SharedArrivals } from './workers/shared-arrivals.ts';
import { renderRequest } from './workload.ts';

const DEFAULT_LAUNCH_HEADER = 'x-speed-gate-node';
/** Between the start of the clock thread and the first request. */
const LEAD_IN_US = 100_000;
/** How often time-outs are looked for and lines are pushed out. */
const HOUSEKEEPING_MS = 20;
/** Longest time that the planted block waits for its delay. */
const HELD_US = 30e6;

interface UnderWay {
  settled: boolean;
  /** Absent until it has begun: an exchange may fail before it is known. */
  exchange?: Exchange;
  readonly fail: (word: string) => void;
}

export class Session {
  readonly #plan: MeasurementPlan;
  readonly #output: SampleOutput;
  readonly #schedule: Schedule;
  /** Of a sender that decides itself how it goes on; the other one of a worker that is told. */
  readonly #own: WindowSchedule | undefined;
  readonly #ordered: OrderedSchedule | undefined;
  readonly #shared: SharedArrivals | undefined;
  readonly #begin = Promise.withResolvers<number>();
  readonly #turns: Turns;
  readonly #client: RequestClient;
  readonly #probe: FitnessProbe;
  readonly #book: WindowBook;
  readonly #metronome: Metronome;
  readonly #deadlines: Deadlines<UnderWay>;
  readonly #checks: readonly ReturnType<typeof createAnswerCheck>[];
  readonly #target: TargetWatch;
  readonly #warmUp: WarmUpWindow[] = [];
  readonly #finished = Promise.withResolvers<MeasurementEnd>();
  #startUs = 0;
  #sent = 0;
  #received = 0;
  #sendingOver = false;
  /** When it was asked for the planted delay. */
  #heldSinceUs: number | undefined;

  /** @param write takes text in `speed-gate-samples/1`, in order */
  constructor(plan: MeasurementPlan, write: (text: string) => void) {
    this.#plan = plan;
    const fail = (error: unknown): void => {
      this.#finished.reject(error instanceof Error ? error : new Error(String(error)));
    };
    this.#output = new SampleOutput(write);
    if (plan.share === undefined) this.#schedule = this.#own = ownSchedule(plan);
    else this.#schedule = this.#ordered = new OrderedSchedule(plan.limits.maxSeconds * 1e6);
    const { shared, turns } = createTurns(plan, this.#schedule);
    this.#shared = shared;
    this.#turns = turns;
    this.#checks = plan.workload.requests.map(({ expect }) => createAnswerCheck(expect));
    this.#client = new RequestClient(
      {
        ...plan.target,
        connections: plan.limits.connections,
        connectTimeoutMs: plan.limits.requestTimeoutMs,
        launchHeader: (plan.launchHeader ?? DEFAULT_LAUNCH_HEADER).toLowerCase(),
      },
      fail,
    );
    this.#probe = new FitnessProbe(plan.ownPids, fail);
    this.#book = new WindowBook(
      this.#probe,
      (window) => {
        this.#windowComplete(window);
      },
      fail,
      plan.contained ?? false,
    );
    this.#metronome = new Metronome(() => {
      this.#guarded(() => {
        this.#sendDue();
      });
    }, fail);
    this.#deadlines = new Deadlines(plan.limits.requestTimeoutMs * 1000);
    this.#target = new TargetWatch(plan.target);
  }

  /**
   * Sends the whole plan. Resolves when every request has its record and everything is written.
   * @throws when the target refuses or never answers, or the sender cannot do its work
   */
  async run(): Promise<MeasurementEnd> {
    const { planted, replacements = 0, windows } = this.#plan;
    this.#output.start(
      {
        windowsPlanned: windows,
        ...(replacements === 0 ? {} : { replacements }),
        ...(planted === undefined ? {} : { plantedDelayUs: planted.delayMs * 1000 }),
      },
      [
        `# trace-seed: ${this.#plan.traceSeed ?? this.#plan.seed}`,
        ...(this.#probe.watchesForeignCpu ? [] : ['# foreign-cpu: not watched']),
      ],
    );
    const housekeeping = setInterval(() => {
      this.#guarded(() => {
        this.#keepHouse();
      });
    }, HOUSEKEEPING_MS);
    let end: MeasurementEnd = 'failed';
    try {
      await Promise.race([this.#metronome.ready(), this.#finished.promise]);
      this.#startUs = await Promise.race([this.#startAt(), this.#finished.promise.then(never)]);
      this.#metronome.wakeAt(this.#startUs + this.#turns.nextUs);
      end = await this.#finished.promise;
      await this.#book.settled();
    } finally {
      clearInterval(housekeeping);
      await Promise.allSettled([this.#metronome.close(), this.#probe.close()]);
      const { user, system } = process.cpuUsage();
      this.#output.finish(
        {
          sent: this.#sent,
          received: this.#received,
          inFlight: this.#sent - this.#received,
          cpuSeconds: (user + system) / 1e6,
        },
        {
          ended: end,
          ...(end === 'failed' || this.#own === undefined ? {} : { steady: this.#own.steady }),
        },
      );
      await this.#client.close();
    }
    return end;
  }

  /** The judge knows enough: ends the window in progress, then sends the planted block. */
  stop(): void {
    this.#own?.stop();
    this.#guarded(() => {
      this.#goOn();
    });
  }

  /** The starter has looked at this window's fitness and wants so many windows in all. */
  seen(window: number, wanted: number): void {
    this.#own?.seen(window, wanted);
    this.#guarded(() => {
      this.#goOn();
    });
  }

  /** The proxy has this delay now: the planted block may begin. */
  plant({ delayMs, half }: PlantedBlock): void {
    this.#guarded(() => {
      if (this.#heldSinceUs === undefined) throw new Error('a delay for a block that is not due');
      this.#output.facts({ plantedDelayUs: delayMs * 1000 });
      this.#own?.plant(half);
      this.#goOn();
    });
  }

  /** Of a worker: what it is told. Answers go between the lines of the samples. */
  order(order: Order): void {
    this.#guarded(() => {
      this.#obey(order);
    });
  }

  #obey(order: Order): void {
    switch (order.order) {
      case 'clock':
        this.#output.remark(`${CLOCK_REMARK}${monotonicUs()}`);
        return;
      case 'begin':
        this.#begin.resolve(order.atUs);
        return;
      case 'segment':
        this.#shared?.take(order.segment.share);
        this.#ordered?.order(order.segment);
        this.#goOn();
        return;
      case 'last':
        this.#output.remark(`${LAST_REMARK}${this.#ordered?.last(order.window) ?? order.window}`);
        return;
      case 'end':
        this.#schedule.terminate('planned');
        this.#overWhenDone();
    }
  }

  /** A worker waits for the moment that all of them have in common. */
  #startAt(): Promise<number> {
    if (this.#ordered === undefined) return Promise.resolve(monotonicUs() + LEAD_IN_US);
    this.#output.remark(READY_REMARK);
    return this.#begin.promise;
  }

  /** Sends nothing more; requests under way still get their records. */
  terminate(): void {
    this.#schedule.terminate('terminated');
    this.#guarded(() => {
      this.#overWhenDone();
    });
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#finished.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #sendDue(): void {
    while (!this.#sendingOver) {
      const nowUs = monotonicUs() - this.#startUs;
      if (this.#turns.nextUs > nowUs) {
        this.#metronome.wakeAt(this.#startUs + this.#turns.nextUs);
        return;
      }
      const turn = this.#turns.next();
      if (turn === undefined) {
        if (!this.#pausing) {
          this.#overWhenDone();
          return;
        }
        this.#book.end();
        // How it goes on may be known already.
        if (!this.#schedule.mayGoOn) return;
        this.#skipAhead();
        continue;
      }
      this.#send(turn, nowUs);
    }
  }

  /** Nothing is sent now, but something will be. */
  get #pausing(): boolean {
    return this.#schedule.phase === 'waiting' || this.#schedule.phase === 'held';
  }

  /** Goes on after waiting, if it is known how. */
  #goOn(): void {
    if (this.#startUs !== 0 && this.#schedule.mayGoOn) this.#resume();
  }

  #resume(): void {
    this.#skipAhead();
    this.#sendDue();
  }

  #skipAhead(): void {
    this.#turns.skipTo(Math.max(monotonicUs() - this.#startUs, this.#schedule.goOnUs));
  }

  #send({ pair, window, side, planted, intendedUs }: Turn, nowUs: number): void {
    this.#book.begin(window);
    const arm = this.#arm(side, planted);
    const kind = this.#plan.workload.requests[pair.kind];
    const check = this.#checks[pair.kind];
    if (kind === undefined || check === undefined) throw new Error(`no request ${pair.kind}`);
    const { headers, ...rendered } = renderRequest(kind, pair.sequence);
    this.#sent += 1;
    this.#book.sent(window, nowUs - intendedUs, this.#client.full);
    const settle = (result: Settled): void => {
      if (underWay.settled) return;
      underWay.settled = true;
      this.#deadlines.delete(underWay);
      const latencyUs = monotonicUs() - this.#startUs - intendedUs;
      const answer = 'answer' in result ? result.answer : undefined;
      const status = 'answer' in result ? check.statusOf(result.answer) : result.error;
      this.#output.sample({
        arm: arm.name,
        launch: plainField(answer?.launch),
        window,
        kind: kind.name,
        intendedUs,
        latencyUs,
        status,
      });
      this.#received += 1;
      this.#book.received(window, side, latencyUs, status === 'ok');
      this.#target.settled(status, answer !== undefined);
      if (this.#schedule.phase === 'over') this.#overWhenDone();
    };
    const underWay: UnderWay = {
      settled: false,
      fail: (word) => {
        underWay.exchange?.cancel();
        settle({ error: word });
      },
    };
    this.#deadlines.add(underWay, nowUs);
    underWay.exchange = this.#client.send(
      {
        ...rendered,
        headers: {
          ...headers,
          ...(hasOwnTrace(headers) ? {} : { [TRACE_HEADER]: this.#traceparent(arm, intendedUs) }),
          host: this.#plan.authority,
          ...arm.headers,
        },
        fresh: pair.fresh,
        needsBody: check.needsBody,
      },
      (result) => {
        this.#guarded(() => {
          settle(result);
        });
      },
    );
  }

  #traceparent({ name }: SenderArm, intendedUs: number): string {
    const { seed, traceSeed = seed } = this.#plan;
    return traceparentOf({ seed: traceSeed, arm: name, intendedUs });
  }

  /** In the planted block the first arm meets itself with the delay. */
  #arm(side: 0 | 1, planted: boolean): SenderArm {
    return planted && side === 1
      ? (this.#plan.planted ?? this.#plan.arms[1])
      : this.#plan.arms[side];
  }

  #keepHouse(): void {
    if (this.#startUs === 0) return;
    this.#deadlines.expire(monotonicUs() - this.#startUs, (underWay) => {
      if (!underWay.settled) underWay.fail('timeout');
    });
    const nowUs = monotonicUs() - this.#startUs;
    this.#target.check(nowUs / 1e6);
    this.#askForDelay(nowUs);
    if (this.#pausing && this.#schedule.expired(nowUs)) this.#resume();
    this.#output.flush();
  }

  /** When every counted window has been reported: what is planted depends on them. */
  #askForDelay(nowUs: number): void {
    if (this.#schedule.phase !== 'held') return;
    if (this.#heldSinceUs !== undefined) {
      if (nowUs - this.#heldSinceUs < HELD_US) return;
      throw new Error(`nobody said the planted delay within ${HELD_US / 1e6} s`);
    }
    if (this.#received < this.#sent) return;
    this.#heldSinceUs = nowUs;
    this.#book
      .settled()
      .then(() => {
        this.#output.remark(PLANTED_HELD);
      })
      .catch((error: unknown) => {
        this.#finished.reject(error instanceof Error ? error : new Error(String(error)));
      });
  }

  #windowComplete({ fitness, warmUp }: CompleteWindow): void {
    this.#output.window(fitness);
    if (this.#own === undefined || this.#schedule.phase !== 'warm-up') return;
    this.#warmUp.push(warmUp);
    if (isWarm(this.#warmUp, warmupWindowSeconds(this.#plan), this.#plan.warmup)) this.#own.warm();
  }

  #overWhenDone(): void {
    if (!this.#sendingOver) {
      this.#sendingOver = true;
      this.#book.end();
    }
    if (this.#received < this.#sent) return;
    this.#target.over();
    this.#finished.resolve(this.#schedule.end);
  }
}

function never(): never {
  throw new Error('the sending was over before it began');
}
