/** Gives up on a target that is not there, instead of gathering thousands of the same failure. Pure. */

/** So many failures of one kind, and nothing else, and no sooner than the seconds: nobody is there. */
const ENOUGH = 20;
const SECONDS = 1;

/** The target refused or ignored everything that was sent. */
export class TargetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TargetError';
  }
}

export class TargetWatch {
  readonly #name: string;
  #answered = false;
  #failures = 0;
  readonly #words = new Map<string, number>();

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.#name = `${host}:${port}`;
  }

  /** @param answered whether there was an answer, of whatever status */
  settled(status: string, answered: boolean): void {
    if (answered) this.#answered = true;
    else {
      this.#failures += 1;
      this.#words.set(status, (this.#words.get(status) ?? 0) + 1);
    }
  }

  /** @throws TargetError when every connection so far was refused */
  check(seconds: number): void {
    if (this.#answered || seconds < SECONDS || this.#failures < ENOUGH) return;
    if (this.#words.get('refused') === this.#failures) {
      throw new TargetError(
        `${this.#name} refused all of ${this.#failures} connections: nothing listens there; is the proxy running?`,
      );
    }
  }

  /** @throws TargetError when requests were sent and none was ever answered */
  over(): void {
    if (this.#answered || this.#failures < ENOUGH) return;
    const words = [...this.#words].map(([word, count]) => `${word} ${count}`).join(', ');
    throw new TargetError(
      `${this.#name} answered none of ${this.#failures} requests (${words}): is the service up and routed?`,
    );
  }
}
