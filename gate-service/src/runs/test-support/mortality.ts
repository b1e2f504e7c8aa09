/** A process that dies at one of its calls to store or platform. */

/** Counts a process's calls; at one of them the process is dead: nothing it calls answers any more. */
export class Mortality {
  calls = 0;
  readonly #dieAt: number;
  readonly #afterwards: boolean;

  /** @param afterwards whether the fatal call still takes effect */
  constructor(dieAt = Infinity, afterwards = false) {
    this.#dieAt = dieAt;
    this.#afterwards = afterwards;
  }

  readonly wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (own, property) => {
        const value: unknown = Reflect.get(own, property, own);
        if (typeof value !== 'function' || property === 'entryPoint') return value;
        return (...parameters: unknown[]) => {
          this.calls += 1;
          const fatal = this.calls === this.#dieAt;
          if (this.calls > this.#dieAt || (fatal && !this.#afterwards)) return silence();
          const answer: unknown = Reflect.apply(value, own, parameters);
          return fatal ? silence() : answer;
        };
      },
    });
}

/** What a dead process hears. */
export function silence(): Promise<never> {
  return new Promise(() => undefined);
}
