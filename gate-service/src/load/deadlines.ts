/** One time-out for all: what began first expires first, so that a queue is enough. Pure. */

interface Entry<T> {
  readonly item: T;
  readonly atUs: number;
}

export class Deadlines<T> {
  readonly #timeoutUs: number;
  #entries: Entry<T>[] = [];
  #head = 0;

  constructor(timeoutUs: number) {
    this.#timeoutUs = timeoutUs;
  }

  /** Times must not fall from call to call. */
  add(item: T, nowUs: number): void {
    this.#entries.push({ item, atUs: nowUs + this.#timeoutUs });
  }

  /** Takes out and hands over everything whose time is up. */
  expire(nowUs: number, expired: (item: T) => void): void {
    for (;;) {
      const entry = this.#entries[this.#head];
      if (entry === undefined || entry.atUs > nowUs) break;
      this.#head += 1;
      expired(entry.item);
    }
    if (this.#head > 1024) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}
