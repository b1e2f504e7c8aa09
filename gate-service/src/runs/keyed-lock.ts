/** One at a time per key, in order of arrival. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise: mine, resolve: release } = Promise.withResolvers<undefined>();
    const tail = before.then(() => mine);
    this.#tails.set(key, tail);
    await before;
    try {
      return await action();
    } finally {
      release(undefined);
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** Resolves when nobody holds or waits for any key. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
