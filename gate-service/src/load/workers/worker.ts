/** One worker as the coordinator knows it: its clock, its rows, how it ended. */
import { monotonicUs } from '../monotonic.ts';
import type { FileFacts } from '../sample-facts.ts';
import { SampleParser } from '../sample-parser.ts';
import type { Sample } from '../sample.ts';
import type { WindowReport } from '../sender.ts';
import { WindowCollector } from '../window-collector.ts';
import type { WorkerLink } from './link.ts';
import {
  CLOCK_REMARK,
  formatOrder,
  LAST_REMARK,
  PROBLEM_REMARK,
  READY_REMARK,
  type Order,
} from './orders.ts';
import { bestOf, drift, readingOf, type ClockReading } from './worker-clock.ts';

/** Two clocks that ran alike at first must not be further apart than this later. */
const MOST_DRIFT_US = 50_000;

/** What the coordinator is told of a worker; each call may be followed by the next at once. */
export interface WorkerEvents {
  window(report: WindowReport): void;
  changed(): void;
}

export class FleetWorker {
  readonly place: number;
  readonly #link: WorkerLink;
  readonly #parser: SampleParser;
  readonly #readings: ClockReading[] = [];
  readonly #rows = new Map<number, Sample[]>();
  readonly #events: WorkerEvents;
  #received = 0;
  #askedUs: number | undefined;
  #heardUs = monotonicUs();
  #ready = false;
  #last: number | undefined;
  #problem: string | undefined;
  #over = false;
  #closed = false;
  #facts: FileFacts | undefined;

  constructor(place: number, link: WorkerLink, events: WorkerEvents) {
    this.place = place;
    this.#link = link;
    this.#events = events;
    const collector = new WindowCollector({
      window: (report) => {
        this.#rows.delete(report.window);
        events.window(report);
      },
    });
    this.#parser = new SampleParser({
      sample: (sample) => {
        this.#received += 1;
        this.#openRows(sample.window).push(sample);
        collector.sample(sample);
      },
      fitness: (fitness) => {
        collector.fitness(fitness);
      },
    });
  }

  get name(): string {
    return this.#link.name;
  }

  /** Its threads run: it can begin at a given moment. */
  get ready(): boolean {
    return this.#ready;
  }

  /** The connection has ended, in order or not. */
  get over(): boolean {
    return this.#over;
  }

  /** What it said at its end; undefined when it did not get there. */
  get facts(): FileFacts | undefined {
    return this.#facts;
  }

  /** Why it gave up, or what broke. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Rows so far. */
  get received(): number {
    return this.#received;
  }

  /** Rows of windows that it has not reported. */
  get unreported(): readonly Sample[] {
    return [...this.#rows.values()].flat();
  }

  /** Answer to the last `last`; undefined until it is there. */
  get lastWindow(): number | undefined {
    return this.#last;
  }

  get clockReadings(): number {
    return this.#readings.length;
  }

  /** The best so far. */
  get clock(): ClockReading | undefined {
    return bestOf(this.#readings);
  }

  /** Microseconds since a question of ours has been waiting for its answer; 0 when none does. */
  get silentUs(): number {
    return this.#askedUs === undefined ? 0 : monotonicUs() - Math.max(this.#askedUs, this.#heardUs);
  }

  send(order: Order): void {
    if (order.order === 'last') this.#last = undefined;
    this.#link.send(formatOrder(order));
  }

  /** Asks for its clock, unless it still owes an answer. */
  askClock(): void {
    if (this.#askedUs !== undefined) return;
    this.#askedUs = monotonicUs();
    this.send({ order: 'clock' });
  }

  sendPlan(json: string): void {
    this.#link.send(json);
  }

  /** Nothing that comes after this is heard. */
  close(): void {
    this.#closed = true;
    this.#link.close();
  }

  /** Reads until the connection ends; never rejects. */
  async read(): Promise<void> {
    try {
      for await (const line of this.#link.lines) {
        if (this.#closed) break;
        this.#heardUs = monotonicUs();
        this.#take(line);
      }
      this.#facts = this.#problem === undefined ? this.#parser.finish() : undefined;
    } catch (error) {
      this.#problem ??= error instanceof Error ? error.message : String(error);
    }
    this.#link.close();
    this.#over = true;
    this.#events.changed();
  }

  #take(line: string): void {
    if (line.startsWith(CLOCK_REMARK)) this.#clockSaid(Number(line.slice(CLOCK_REMARK.length)));
    else if (line === READY_REMARK) this.#ready = true;
    else if (line.startsWith(LAST_REMARK)) this.#last = Number(line.slice(LAST_REMARK.length));
    else if (line.startsWith(PROBLEM_REMARK)) this.#problem = line.slice(PROBLEM_REMARK.length);
    else {
      this.#parser.push(line);
      return;
    }
    this.#events.changed();
  }

  #clockSaid(theirsUs: number): void {
    if (this.#askedUs === undefined) return;
    const reading = readingOf(this.#askedUs, theirsUs, monotonicUs());
    this.#askedUs = undefined;
    const [first] = this.#readings;
    if (first !== undefined && drift(first, reading) > MOST_DRIFT_US) {
      throw new Error(
        `its clock ran away from ours by ${Math.round(drift(first, reading) / 1000)} ms`,
      );
    }
    this.#readings.push(reading);
  }

  #openRows(window: number): Sample[] {
    const known = this.#rows.get(window);
    if (known !== undefined) return known;
    const rows: Sample[] = [];
    this.#rows.set(window, rows);
    return rows;
  }
}
