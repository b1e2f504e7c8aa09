/** One line per step of the set-up on standard error: what it does, what for, how long it took. */

/** Runs a step that may take a while and says so before and after. */
export async function step<T>(what: string, whatFor: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  process.stderr.write(`set-up: ${what} (${whatFor}) …\n`);
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  process.stderr.write(`set-up: ${what}: done in ${seconds.toFixed(1)} s\n`);
  return result;
}
