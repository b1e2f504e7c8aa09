/** What the cluster tool says on standard error while it works. */

export function tell(line: string): void {
  process.stderr.write(`cluster: ${line}\n`);
}

/** Runs a step and says how long it took; with a `note` also before it begins, for what takes minutes. */
export async function told<T>(what: string, work: () => Promise<T>, note?: string): Promise<T> {
  const start = performance.now();
  if (note !== undefined) tell(`${what} (${note}) …`);
  const result = await work();
  tell(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}
