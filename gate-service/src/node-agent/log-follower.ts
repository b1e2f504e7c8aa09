/** What httpd and Jetty write into files goes on to the container's own output, where a cluster looks for logs. */
import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { HTTPD_RUNTIME_FILES } from '../stack/httpd.ts';

const EVERY_MS = 500;
const CHUNK_BYTES = 64 * 1024;
/** Emptied at this size, once passed on: a pod's disk is small. Its writers append, so they go on at its start. */
const LARGEST_BYTES = 16 * 1024 * 1024;

export interface LogFollower {
  /** Passes on what is left, and ends. */
  stop(): Promise<void>;
}

export interface LogFollowerOptions {
  /** The node's folder. */
  readonly directory: string;
  /** Takes one line, without its end. */
  readonly write: (line: string) => void;
  readonly everyMs?: number;
  readonly largestBytes?: number;
}

interface Followed {
  offset: number;
  /** The beginning of a line whose end is not there yet. */
  rest: string;
  readonly decoder: StringDecoder;
}

/** Follows the logs of a node's components, also of those that are started later. Never fails: logs are not worth a node. */
export function followLogs(options: LogFollowerOptions): LogFollower {
  const { directory, write, everyMs = EVERY_MS, largestBytes = LARGEST_BYTES } = options;
  const known = new Map<string, Followed>();
  const { promise: stopped, resolve: end } = Promise.withResolvers<undefined>();
  let ending = false;

  async function passOn(file: string, component: string): Promise<void> {
    const followed = known.get(file) ?? { offset: 0, rest: '', decoder: new StringDecoder('utf8') };
    known.set(file, followed);
    const { size } = await stat(file);
    if (size < followed.offset) followed.offset = 0;
    const handle = await open(file);
    try {
      const buffer = Buffer.alloc(CHUNK_BYTES);
      while (followed.offset < size) {
        const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, followed.offset);
        if (bytesRead === 0) break;
        followed.offset += bytesRead;
        const text = followed.rest + followed.decoder.write(buffer.subarray(0, bytesRead));
        const lines = text.split('\n');
        followed.rest = lines.pop() ?? '';
        for (const line of lines) write(`${component}: ${line}`);
      }
    } finally {
      await handle.close();
    }
    if (followed.offset > largestBytes) {
      await truncate(file);
      followed.offset = 0;
    }
  }

  const look = async (): Promise<void> => {
    for (const { file, component } of await logsOf(directory)) {
      await passOn(file, component).catch(() => undefined);
    }
  };
  const loop = async (): Promise<void> => {
    while (!ending) {
      await look();
      await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, everyMs).unref())]);
    }
    await look();
  };
  const running = loop();
  return {
    async stop() {
      ending = true;
      end(undefined);
      await running;
    },
  };
}

async function logsOf(
  directory: string,
): Promise<readonly { readonly file: string; readonly component: string }[]> {
  const generations = await readdir(join(directory, 'jetty')).catch(() => []);
  return [
    ...generations.map((generation) => ({
      file: join(directory, 'jetty', generation, 'jetty.log'),
      component: 'jetty',
    })),
    { file: join(directory, 'httpd', 'httpd.log'), component: 'httpd' },
    { file: join(directory, 'httpd', 'run', HTTPD_RUNTIME_FILES.errorLog), component: 'httpd' },
  ];
}
