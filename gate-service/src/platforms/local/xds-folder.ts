/** The files that an Envoy watches: read, replaced by rename, removed. */
import { randomUUID } from 'node:crypto';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** File name to text. */
export type XdsTexts = ReadonlyMap<string, string>;

const contentSchema = z.object({
  version_info: z.string(),
  resources: z.array(z.looseObject({ name: z.string().optional() })),
});

export class XdsFolder {
  readonly #watched: string;
  readonly #temporary: string;

  /** @param temporary on the same file system, but outside the watched folder */
  constructor(watched: string, temporary: string) {
    this.#watched = watched;
    this.#temporary = temporary;
  }

  async read(): Promise<XdsTexts> {
    await mkdir(this.#watched, { recursive: true });
    const names = (await readdir(this.#watched)).filter((name) => name.endsWith('.json'));
    const texts = await Promise.all(
      names.map(async (name) => [name, await readFile(join(this.#watched, name), 'utf8')] as const),
    );
    return new Map(texts);
  }

  /** Envoy sees the former file or the whole new one. */
  async put(name: string, text: string): Promise<void> {
    await mkdir(this.#temporary, { recursive: true });
    const file = join(this.#temporary, `${name}.${randomUUID()}`);
    await writeFile(file, text);
    await rename(file, join(this.#watched, name));
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#watched, name), { force: true });
  }
}

/** The version that a file says it has; `undefined` for a file that is none of ours. */
export function versionOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return contentSchema.safeParse(JSON.parse(text)).data?.version_info;
  } catch {
    return undefined;
  }
}

/** All clusters of `wanted`, and those of `former` that it does not have: nothing breaks before the routes moved. */
export function clustersOfBoth(wanted: string, former: string | undefined): string {
  if (former === undefined) return wanted;
  const next = contentSchema.parse(JSON.parse(wanted));
  const old = contentSchema.parse(JSON.parse(former));
  const names = new Set(next.resources.map(({ name }) => name));
  const kept = old.resources.filter(({ name }) => !names.has(name));
  if (kept.length === 0) return wanted;
  const resources = [...next.resources, ...kept];
  const version = createHash('sha256').update(JSON.stringify(resources)).digest('hex').slice(0, 16);
  return `${JSON.stringify({ version_info: version, resources })}\n`;
}
