/** Seeded randomness for simulations: sfc32 (PractRand, Doty-Humphrey), some 5 ns a number. */

export class FastRandom {
  #a = 0x9e3779b9;
  #b: number;
  #c: number;
  #counter = 1;
  #spare = NaN;

  /** @param seed any integer, lowest 32 bits; `stream` tells independent uses apart */
  constructor(seed: number, stream = 0) {
    this.#b = seed | 0;
    this.#c = Math.imul(stream | 0, 0x85ebca6b) ^ 0x2545f491;
    for (let i = 0; i < 20; i += 1) this.bits();
  }

  /** 32 random bits, signed. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }

  /** Uniform in (0, 1), 32 bits. */
  next(): number {
    return ((this.bits() >>> 0) + 0.5) / 4294967296;
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const value = this.#spare;
      this.#spare = NaN;
      return value;
    }
    for (;;) {
      const x = this.bits() / 2147483648;
      const y = this.bits() / 2147483648;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * factor;
      return x * factor;
    }
  }

  /** Exponential with mean 1. */
  exponential(): number {
    return -Math.log(this.next());
  }
}
