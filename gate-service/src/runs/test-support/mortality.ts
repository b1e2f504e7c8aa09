/** A process that dies at one of its calls to store or platform. */

/** Counts a process's calls; at one of them the process is dead: nothing it calls answers any more. */
export class Mortality {
  calls = 0;
  readonly #dieAt: number;
  readonly #afterwards: boolean;
  readonly #counts: (method: string) => boolean;

  /**
   * @param afterwards whether the fatal call still takes effect
   * @param counts which calls are counted
   */
  constructor(dieAt = Infinity, afterwards = false, counts: (method: string) => boolean = any) {
    this.#dieAt = dieAt;
    this.#afterwards = afterwards;
    this.#counts = counts;
  }

  readonly wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (own, property) => {
        const value: unknown = Reflect.get(own, property, own);
        if (typeof value !== 'function' || property === 'entryPoint') return value;
        return (...parameters: unknown[]) => {
          if (this.calls >= this.#dieAt) return silence();
          if (this.#counts(String(property))) this.calls += 1;
          const fatal = this.calls === this.#dieAt;
          if (fatal && !this.#afterwards) return silence();
          const answer: unknown = Reflect.apply(value, own, parameters);
          if (!fatal) return answer;
          // It may fail; the dead do not hear of it.
          Promise.resolve(answer).catch(() => undefined);
          return silence();
        };
      },
    });
}

/** Calls that change the store or the world: dying at any other is dying between two of them. */
export function changes(method: string): boolean {
  return /^(save|create|update|append|request|deploy|route|restore|remove)/.test(method);
}

function any(): boolean {
  return true;
}

/** What a dead process hears. */
export function silence(): Promise<never> {
  return new Promise(() => undefined);
}
