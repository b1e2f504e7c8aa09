/**
 * One look for several metrics: all of a registry are collected at once, and each has to wait for the look
 * that sets it. Two scrapes at the same time share it too, so that nothing is counted twice.
 */
export function shared(look: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  return () => {
    underWay ??= look().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
