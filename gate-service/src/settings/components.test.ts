import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, loadComponents, sampleFlavours } from './components.ts';

describe('cacheFolder', () => {
  it('prefers its own variable, then the XDG folder, then the home folder', () => {
    const home = path.join(homedir(), '.cache', 'speed-gate');
    expect(cacheFolder({ SPEED_GATE_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
    expect(cacheFolder({ SPEED_GATE_CACHE: '', XDG_CACHE_HOME: '/b' })).toBe('/b/speed-gate');
    expect(cacheFolder({ XDG_CACHE_HOME: 'relative' })).toBe(home);
    expect(cacheFolder({})).toBe(home);
  });
});

describe('loadComponents', () => {
  let folder: string;
  const load = () => loadComponents({ SPEED_GATE_CACHE: folder });
  const write = (text: string) => {
    writeFileSync(path.join(folder, 'components.json'), text);
  };

  const versioned = (file: string) => ({ path: file, version: '1' });
  const complete = {
    format: 1,
    key: 'k',
    httpd: { ...versioned('/httpd'), serverRoot: '/root' },
    java: { ...versioned('/jdk/bin/java'), home: '/jdk' },
    jettyHome: versioned('/jetty'),
    jolokia: versioned('/jolokia.jar'),
    envoy: versioned('/envoy'),
    prometheus: versioned('/prometheus'),
    servletApi: versioned('/servlet.jar'),
    pipelineLibraries: { classpathDir: '/libraries' },
    wars: Object.fromEntries(
      sampleFlavours.map((flavour) => [flavour, { path: '/w.war', sha256: 'a'.repeat(64) }]),
    ),
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'components-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('reads what the set-up wrote', () => {
    write(JSON.stringify(complete));
    expect(load()).toEqual(complete);
  });

  it('names the command that installs when nothing is set up', () => {
    expect(load).toThrow(/not set up.*components\.json.*npm run setup/s);
  });

  it('says which part does not fit', () => {
    write(JSON.stringify({ ...complete, envoy: { path: 'relative', version: '1' } }));
    expect(load).toThrow(/npm run setup[\s\S]*absolute path[\s\S]*envoy\.path/);
  });

  it('refuses a set-up that lacks a build of the sample application', () => {
    const wars = Object.fromEntries(Object.entries(complete.wars).slice(1));
    write(JSON.stringify({ ...complete, wars }));
    expect(load).toThrow(/wars/);
  });

  it('refuses a cut-off file', () => {
    write(JSON.stringify(complete).slice(0, -20));
    expect(load).toThrow(/not JSON.*npm run setup/s);
  });
});
