/** Quantiles of any number of durations within 4 %, in little memory: logarithmic bins. Pure. */
const PER_OCTAVE = 16;
const OCTAVES = 50;

export class DurationHistogram {
  readonly #bins = new Uint32Array(PER_OCTAVE * OCTAVES);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param microseconds 0 or more */
  add(microseconds: number): void {
    const bin = Math.round(Math.log2(Math.max(1, microseconds)) * PER_OCTAVE);
    const index = Math.min(this.#bins.length - 1, bin);
    this.#bins[index] = (this.#bins[index] ?? 0) + 1;
    this.#count += 1;
  }

  /** Microseconds; NaN when there are none. @param share 0-1 */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [index, count] of this.#bins.entries()) {
      seen += count;
      if (seen >= rank) return 2 ** (index / PER_OCTAVE);
    }
    return Number.NaN;
  }
}
