/** Simulated traffic by the model of noise.ts: requests on a time axis, one or two arms at a time. */
import type { FastRandom } from './fast-random.ts';
import type { NoiseModel } from './noise.ts';

/** Arms by number. */
export const BASELINE = 0;
export const CANDIDATE = 1;
type Arm = typeof BASELINE | typeof CANDIDATE;

/** Levels are constant for so long. */
const TICK_SECONDS = 0.05;
const TABLE_BITS = 14;

/** One arm's requests of one window. */
export interface Requests {
  /** Milliseconds. */
  readonly latencyMs: Float64Array;
  readonly launch: Uint8Array;
}

/** Some minutes of one machine with its launches of both builds. */
export class Traffic {
  readonly #model: NoiseModel;
  readonly #random: FastRandom;
  readonly #own: Float64Array;
  readonly #launches: readonly (readonly number[])[];
  /** Factor and remaining pause (ms) of each tick, by arm. */
  readonly #levels: readonly Float64Array[];
  readonly #pauses: readonly Float64Array[];

  /** @param factor how much slower the candidate is */
  constructor(model: NoiseModel, factor: number, seconds: number, random: FastRandom) {
    this.#model = model;
    this.#random = random;
    this.#own = ownLatencies(model);
    const { perArm, sigma } = model.launches;
    this.#launches = [1, factor].map((build) =>
      Array.from({ length: perArm }, () => build * Math.exp(sigma * random.normal())),
    );
    const ticks = Math.ceil(seconds / TICK_SECONDS) + 1;
    const machine = machineLevels(model, ticks, random);
    this.#levels = [BASELINE, CANDIDATE].map(() => armLevels(model, machine, random));
    this.#pauses = pauses(model, ticks, random);
  }

  /** So many requests to one arm, evenly over a span of seconds. */
  send(arm: Arm, from: number, seconds: number, count: number): Requests {
    const { tail } = this.#model;
    const random = this.#random;
    const own = this.#own;
    const launches = this.#launches[arm] ?? [];
    const levels = this.#levels[arm] ?? new Float64Array();
    const waits = this.#pauses[arm] ?? new Float64Array();
    const latencyMs = new Float64Array(count);
    const launch = new Uint8Array(count);
    const tailBelow = tail.share * 2 ** (32 - TABLE_BITS);
    const step = seconds / count / TICK_SECONDS;
    let time = from / TICK_SECONDS;
    for (let i = 0; i < count; i += 1, time += step) {
      const bits = random.bits();
      const node = launches.length === 1 ? 0 : (random.bits() >>> 1) % launches.length;
      const tick = Math.floor(time);
      let latency = own[bits & (own.length - 1)] ?? 0;
      if (bits >>> TABLE_BITS < tailBelow) latency *= random.next() ** (-1 / tail.index);
      latency *= (launches[node] ?? 1) * (levels[tick] ?? 1);
      const pause = waits[tick] ?? 0;
      if (pause > 0) latency += Math.max(0, pause - (time - tick) * TICK_SECONDS * 1000);
      latencyMs[i] = latency;
      launch[i] = node;
    }
    return { latencyMs, launch };
  }
}

/** Equally likely values of a log-normal, so that a request costs one look-up. */
function ownLatencies({ medianMs, sigma }: NoiseModel): Float64Array {
  const key = `${medianMs} ${sigma}`;
  const known = tables.get(key);
  if (known !== undefined) return known;
  const size = 2 ** TABLE_BITS;
  const table = Float64Array.from(
    { length: size },
    (_, i) => medianMs * Math.exp(sigma * normalQuantile((i + 0.5) / size)),
  );
  tables.set(key, table);
  return table;
}

const tables = new Map<string, Float64Array>();

/** Acklam's rational approximation with relative error below 1.2e-9. */
function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q -
        2.549732539343734) *
        q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q +
        3.754408661907416) *
        q +
        1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r +
      138.357751867269) *
      r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r +
      66.80131188771972) *
      r -
      13.28068155288572) *
      r +
      1)
  );
}

/** Logarithm of what both arms suffer alike. */
function machineLevels(model: NoiseModel, ticks: number, random: FastRandom): Float64Array {
  const { drift, shifts, trend } = model;
  const keep = Math.exp(-TICK_SECONDS / drift.seconds);
  const fresh = drift.sigma * Math.sqrt(1 - keep * keep);
  const sign = random.next() < 0.5 ? -1 : 1;
  const shiftChance = (shifts.perMinute / 60) * TICK_SECONDS;
  let state = drift.sigma * random.normal();
  let level = 0;
  return Float64Array.from({ length: ticks }, (_, tick) => {
    state = keep * state + fresh * random.normal();
    if (random.next() < shiftChance) level += shifts.sigma * random.normal();
    return state + level + (sign * trend * tick) / ticks;
  });
}

/** Factors of one arm's ticks. */
function armLevels(model: NoiseModel, machine: Float64Array, random: FastRandom): Float64Array {
  const { neighbours, perSecond } = model;
  const begins = (neighbours.perMinute / 60) * TICK_SECONDS;
  const ticksPerSecond = Math.round(1 / TICK_SECONDS);
  let until = -1;
  let disturbance = 0;
  let own = 0;
  return machine.map((level, tick) => {
    if (tick % ticksPerSecond === 0) own = perSecond * random.normal();
    if (tick > until && random.next() < begins) {
      until = tick + (neighbours.seconds * random.exponential()) / TICK_SECONDS;
      disturbance = Math.abs(neighbours.sigma * random.normal());
    }
    return Math.exp(level + own + (tick <= until ? disturbance : 0));
  });
}

/** How much longer a pause lasts at each tick's begin (milliseconds), by arm. */
function pauses(model: NoiseModel, ticks: number, random: FastRandom): Float64Array[] {
  const { stalls } = model;
  const byArm = [new Float64Array(ticks), new Float64Array(ticks)];
  const seconds = ticks * TICK_SECONDS;
  const clusters = stalls.perMinute * (1 - stalls.cluster);
  let at = clusters > 0 ? (60 / clusters) * random.exponential() : Infinity;
  while (at < seconds) {
    const one = random.next() < stalls.oneArm ? Math.floor(2 * random.next()) : undefined;
    let begin = at;
    do {
      const length = stalls.ms * random.exponential();
      for (const [arm, waits] of byArm.entries()) {
        if (one !== undefined && one !== arm) continue;
        for (let left = length, tick = Math.floor(begin / TICK_SECONDS); left > 0; tick += 1) {
          if (tick < ticks) waits[tick] = Math.max(waits[tick] ?? 0, left);
          left -= TICK_SECONDS * 1000;
        }
      }
      begin += 0.5 * random.next();
    } while (random.next() < stalls.cluster);
    at += (60 / clusters) * random.exponential();
  }
  return byArm;
}
