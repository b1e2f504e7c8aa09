/** Logs of nodes that are gone stay for a look, but not for ever. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const KEPT = 40;

/** Removes the oldest node logs beyond the newest 40; those of living nodes are written to and so are new. */
export async function pruneNodeLogs(logs: string): Promise<void> {
  const names = (await readdir(logs)).filter((name) => name.startsWith('node-'));
  if (names.length <= KEPT) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(logs, name))).mtimeMs })),
  );
  const old = aged.toSorted((one, other) => other.at - one.at).slice(KEPT);
  await Promise.all(old.map(({ name }) => rm(join(logs, name), { force: true })));
}
