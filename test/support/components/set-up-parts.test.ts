import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entry, removeIncomplete, verify } from '../../../resources/components/cache.ts';
import { describeMissing } from '../../../resources/components/debian.ts';
import { withLock } from '../../../resources/components/lock.mjs';
import { fits } from '../../../resources/components/packages.mjs';
import { mavenPins } from '../../../resources/components/pins.ts';
import { isAtLeast, versionAfter } from '../../../resources/components/versions.ts';

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly packages?: Record<string, Manifest>;
}

const components = path.join(import.meta.dirname, '..', '..', '..', 'resources', 'components');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'set-up-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('versions', () => {
  it.each([
    ['Server version: Apache/2.4.71 (Debian)', /Apache\//, '2.4.71'],
    ['prometheus, version 2.42.0+ds (branch: debian/sid)', /prometheus, version /, '2.42.0'],
    ['    java.version = 21-ea', /java\.version = /, '21'],
    ['something else', /Apache\//, undefined],
  ])('reads the version out of %s', (text, marker, version) => {
    expect(versionAfter(text, marker)).toBe(version);
  });

  it('compares by number, not by letter', () => {
    expect(isAtLeast('2.4.100', '2.4.52')).toBe(true);
    expect(isAtLeast('2.4.9', '2.4.52')).toBe(false);
    expect(isAtLeast('17', '17.0.0')).toBe(true);
  });

  it('is a total order', () => {
    const version = fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }).map((v) => v.join('.'));
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(isAtLeast(a, b) || isAtLeast(b, a)).toBe(true);
        if (isAtLeast(a, b) && isAtLeast(b, c)) expect(isAtLeast(a, c)).toBe(true);
      }),
    );
  });
});

describe('cache', () => {
  it('has an entry with all its content or not at all', async () => {
    const failing = entry(folder, 'a', (target) => {
      writeFileSync(path.join(target, 'half'), '');
      return Promise.reject(new Error('disk full'));
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('fills an entry once', async () => {
    let calls = 0;
    const fill = () => {
      calls++;
      return Promise.resolve();
    };
    await entry(folder, 'a', fill);
    await entry(folder, 'a', fill);
    expect(calls).toBe(1);
  });

  it('removes what an interrupted set-up left, and nothing else', async () => {
    writeFileSync(path.join(folder, '.incomplete-x'), '');
    writeFileSync(path.join(folder, 'kept'), '');
    await removeIncomplete(folder);
    expect(readdirSync(folder)).toEqual(['kept']);
  });

  it('refuses a file that is not the pinned one', async () => {
    const file = path.join(folder, 'jetty.tar.gz');
    writeFileSync(file, 'abc');
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    await expect(verify(file, abc)).resolves.toBeUndefined();
    writeFileSync(file, 'abd');
    await expect(verify(file, abc)).rejects.toThrow(/jetty\.tar\.gz is not the pinned file/);
  });
});

describe('lock', () => {
  const order = path.join('order');
  const worker = (name: string) => `
    import { withLock } from ${JSON.stringify(path.join(components, 'lock.mjs'))};
    import { appendFileSync } from 'node:fs';
    import { setTimeout } from 'node:timers/promises';
    await withLock('lock', async () => {
      appendFileSync('${order}', '${name}');
      await setTimeout(50);
      appendFileSync('${order}', '${name}');
    });`;

  it('lets one process in after the other', () => {
    const script = ['a', 'b', 'c', 'd']
      .map((name) => `"$0" --input-type=module -e '${worker(name).replaceAll("'", `'\\''`)}' &`)
      .join('\n');
    execFileSync('sh', ['-c', `${script}\nwait`, process.execPath], { cwd: folder });
    const text = readFileSync(path.join(folder, order), 'utf8');
    expect(text).toMatch(/^(?:(.)\1){4}$/);
    expect(readdirSync(folder)).toEqual(['order']);
  });

  it('takes over from an owner that died, also when its number lives on in another process', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    for (const owner of [`${dead} 1`, `${process.pid} 1`]) {
      writeFileSync(path.join(folder, 'lock'), owner);
      await expect(withLock(path.join(folder, 'lock'), () => Promise.resolve(7))).resolves.toBe(7);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is free again after a failure', async () => {
    const file = path.join(folder, 'lock');
    const failing = withLock(file, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('fits', () => {
  const lock = (packages: object) => JSON.stringify({ packages });
  const zod = { version: '4.6.7', integrity: 'sha512-x' };
  const other = { version: '1.0.0', integrity: 'sha512-y', optional: true };

  it('takes an installation without the optional packages of other machines', () => {
    const wanted = lock({ '': { name: 'speed-gate' }, 'node_modules/zod': zod, o: other });
    expect(fits(wanted, lock({ 'node_modules/zod': zod }))).toBe(true);
  });

  it.each([
    ['a missing package', {}],
    ['another version', { 'node_modules/zod': { ...zod, version: '4.6.8' } }],
    ['other content', { 'node_modules/zod': { ...zod, integrity: 'sha512-z' } }],
  ])('sees %s', (_, installed) => {
    expect(fits(lock({ 'node_modules/zod': zod }), lock(installed))).toBe(false);
  });
});

it('installs with the Node and npm packages that it installs', () => {
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  const project = read(path.join(components, '..', '..', 'package.json'));
  const first = read(path.join(components, 'node', 'package.json'));
  const lock = read(path.join(components, 'node', 'package-lock.json'));
  expect(first.dependencies?.node).toBe(project.devDependencies?.node);
  expect(lock.packages?.['']?.dependencies).toEqual(first.dependencies);
});

it('fetches with Maven what the digests are pinned for', () => {
  const pom = readFileSync(path.join(components, 'maven', 'components.pom.xml'), 'utf8');
  for (const { version, file } of Object.values(mavenPins)) {
    expect(pom).toContain(`<version>${version}</version>`);
    expect(file).toContain(version);
  }
});

it('names what is missing, what for, and one command that installs all of it', () => {
  const text = describeMissing(
    [
      { problem: 'curl was not found', whatFor: 'pipeline steps', packages: ['curl'] },
      { problem: 'mvn was not found', whatFor: 'Jetty', packages: ['maven', 'curl'] },
    ],
    'Installing it needs root.',
  );
  expect(text).toContain('curl was not found (for pipeline steps)');
  expect(text).toContain('apt-get install --no-install-recommends curl maven');
});
