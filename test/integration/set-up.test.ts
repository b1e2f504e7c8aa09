import { spawn } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheFolder, loadComponents } from '../../gate-service/src/settings/components.ts';

const installer = path.join(
  import.meta.dirname,
  ...['..', '..', 'resources', 'components', 'install.ts'],
);
let cache: string;

/** A cache that has everything fetched already, so that a set-up takes seconds and no network. */
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'set-up-cache-'));
  for (const name of readdirSync(cacheFolder())) {
    if (/^(envoy|jetty-home|jolokia|servlet-api|jenkins-pipeline)/.test(name)) {
      symlinkSync(path.join(cacheFolder(), name), path.join(cache, name));
    }
  }
  const archive = path.dirname(loadComponents().classDataArchive!.path);
  symlinkSync(archive, path.join(cache, path.basename(archive)));
});
afterEach(() => {
  rmSync(cache, { recursive: true });
});

function start() {
  const env = { ...process.env, SPEED_GATE_CACHE: cache };
  return spawn(process.execPath, [installer], { env, stdio: ['ignore', 'ignore', 'pipe'] });
}

function setUp(child = start()): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, output });
    });
  });
}

const archives = () => readdirSync(cache).filter((name) => name.startsWith('class-data'));

/** The command lines of all processes that name this test's cache. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(cache));
}

const load = () => loadComponents({ SPEED_GATE_CACHE: cache });

describe('the set-up', () => {
  it('does the work once when two start together, and is silent when there is nothing to do', async () => {
    const both = await Promise.all([setUp(), setUp()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const text = both.map(({ output }) => output).join('');
    expect(text.match(/build the sample application.*…/g)).toHaveLength(1);
    expect(load().wars['1.0'].path).toContain(cache);
    expect(readdirSync(cache).filter((name) => /incomplete|lock|\.json\./.test(name))).toEqual([]);

    const before = readFileSync(path.join(cache, 'components.json'), 'utf8');
    expect(await setUp()).toEqual({ code: 0, output: '' });
    expect(readFileSync(path.join(cache, 'components.json'), 'utf8')).toBe(before);
  });

  it('repairs what was removed or cut off', async () => {
    await setUp();
    const wars = path.dirname(load().wars['1.0'].path);
    rmSync(wars, { recursive: true });
    writeFileSync(path.join(cache, '.incomplete-left'), '');
    expect((await setUp()).output).toContain('build the sample application');
    expect(readdirSync(wars)).toContain('checkout-1.0.war');
    expect(readdirSync(cache)).not.toContain('.incomplete-left');

    writeFileSync(path.join(cache, 'components.json'), '{"format":');
    expect((await setUp()).code).toBe(0);
    expect(load().format).toBe(1);
  });

  it('ends in order when it is interrupted, and goes on the next time', async () => {
    rmSync(path.join(cache, archives()[0]!));
    const child = start();
    const ended = setUp(child);
    await vi.waitUntil(() => commandLines().some((line) => line.includes('ArchiveClassesAtExit')), {
      timeout: 60_000,
      interval: 20,
    });
    child.kill('SIGTERM');
    expect((await ended).code).toBe(1);
    expect(readdirSync(cache).filter((name) => /incomplete|lock/.test(name))).toEqual([]);
    expect(commandLines()).toEqual([]);

    expect((await setUp()).code).toBe(0);
    expect(archives()).toHaveLength(1);
  });

  it('records versions that are new enough', async () => {
    await setUp();
    const { httpd, java, envoy } = load();
    expect(httpd.version).toMatch(/^2\.4\.\d+$/);
    expect(Number(java.version.split('.')[0])).toBeGreaterThanOrEqual(17);
    expect(envoy.version).toBe('1.40.0');
  });
});
