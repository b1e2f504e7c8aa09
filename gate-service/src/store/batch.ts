/** Many small reads at once as one: a list of runs asks for the same things of each of its runs. */

/** Far below the most parameters of either dialect. */
const MOST_KEYS = 500;

interface Waiting<T> {
  readonly key: string;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A read by key that waits for the end of the current turn of the event loop's work and then reads what was
 * asked until then together. What was written before the call is seen, as in a read of its own.
 * @param load values by key; a key that is not in the answer has `none`
 */
export function batched<T>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  none: T,
): (key: string) => Promise<T> {
  let waiting: Waiting<T>[] = [];

  const flush = async (): Promise<void> => {
    const own = waiting;
    if (own.length === 0) return;
    waiting = [];
    try {
      const values = await load([...new Set(own.map(({ key }) => key))]);
      for (const { key, resolve } of own) resolve(values.get(key) ?? none);
    } catch (error) {
      for (const { reject } of own) reject(error);
    }
  };

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (waiting.length === MOST_KEYS) void flush();
      else if (waiting.length === 1) process.nextTick(flush);
    });
}

/** Rows in the order they have, by the key that they are read by. */
export function byKey<Row, T>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  map: (row: Row) => T,
): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const own = found.get(key);
    if (own === undefined) found.set(key, [map(row)]);
    else own.push(map(row));
  }
  return found;
}
