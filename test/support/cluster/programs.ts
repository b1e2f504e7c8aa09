/** The programs that no registry has ready-made: built once from their Go modules, kept by version and sources. */
import { existsSync } from 'node:fs';
import { copyFile, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, entry } from '../../../resources/components/cache.ts';
import { run, SetupError, start, tryRun } from '../../../resources/components/command.ts';
import { withLock } from '../../../resources/components/lock.mjs';
import { isAtLeast, versionAfter } from '../../../resources/components/versions.ts';
import { cacheFolder } from '../../../gate-service/src/settings/components.ts';
import { tell, told } from './progress.ts';

const sources = path.join(import.meta.dirname, 'sources');
/** Of the go command; a newer toolchain that a go.mod asks for is fetched by it. */
const OLDEST_GO = '1.21';
const PROGRESS_EVERY_MS = 15_000;

interface Source {
  /** The folder in sources/, and the name of what is built. */
  readonly name: 'kubernetes' | 'istiod' | 'pause';
  /** The package to build, from within its folder. */
  readonly what: string;
  /** The module whose version names the entry of the cache. */
  readonly module?: string;
  readonly cpuMinutes: number;
  /** For the linker; `version` is the module's, with its v. */
  readonly stamp?: (version: string) => readonly string[];
  /** Puts beside the binary what else belongs to it. */
  readonly more?: (folder: string, source: string) => Promise<void>;
}

const all: Readonly<Record<Source['name'], Source>> = {
  kubernetes: {
    name: 'kubernetes',
    what: '.',
    module: 'k8s.io/kubernetes',
    cpuMinutes: 10,
    stamp: kubernetesStamp,
    more: (folder) => symlink('kubernetes', path.join(folder, 'kubectl')),
  },
  istiod: {
    name: 'istiod',
    what: 'istio.io/istio/pilot/cmd/pilot-discovery',
    module: 'istio.io/istio',
    cpuMinutes: 10,
    more: async (folder, source) => {
      const module = (await go(['list', '-m', '-f', '{{.Dir}}', 'istio.io/api'], source)).trim();
      const definitions = path.join(module, 'kubernetes', 'customresourcedefinitions.gen.yaml');
      await copyFile(definitions, path.join(folder, 'definitions.yaml'));
    },
  },
  pause: { name: 'pause', what: '.', cpuMinutes: 0.1 },
};

/** Where the built programs are. */
export interface Programs {
  /** kube-apiserver, kubelet and so on: chosen by the first argument. */
  readonly kubernetes: string;
  readonly kubectl: string;
  readonly istiod: string;
  /** Istio's custom resource definitions, one YAML file. */
  readonly istioDefinitions: string;
  readonly pause: string;
}

/**
 * Builds what the cache does not have yet and says how far it is: about 20 CPU minutes the first time, nothing after.
 * @throws SetupError when there is no fitting Go, or a build fails
 */
export async function buildPrograms(cache = cacheFolder()): Promise<Programs> {
  const kubernetes = await built(all.kubernetes, cache);
  const istiod = await built(all.istiod, cache);
  const pause = await built(all.pause, cache);
  return {
    kubernetes: path.join(kubernetes, 'kubernetes'),
    kubectl: path.join(kubernetes, 'kubectl'),
    istiod: path.join(istiod, 'istiod'),
    istioDefinitions: path.join(istiod, 'definitions.yaml'),
    pause: path.join(pause, 'pause'),
  };
}

async function built(source: Source, cache: string): Promise<string> {
  const folder = path.join(sources, source.name);
  const version = await versionIn(folder, source.module);
  const options = ['-mod=readonly', '-trimpath', '-buildvcs=false'];
  const linker = ['-s', '-w', ...(source.stamp?.(version) ?? [])];
  const digest = await digestOf([folder], source.what, ...options, ...linker);
  const name = ['cluster', source.name, version, digest].filter((part) => part !== '').join('-');
  if (existsSync(path.join(cache, name))) return path.join(cache, name);
  await requireGo();
  const fill = async (target: string) => {
    const output = path.join(target, source.name);
    await compile(source, folder, [
      ...[...options, '-ldflags', linker.join(' ')],
      ...['-v', '-o', output, source.what],
    ]);
    await source.more?.(target, folder);
  };
  return withLock(
    path.join(cache, `cluster-${source.name}.lock`),
    () =>
      told(
        `build ${source.name} ${version}`.trim(),
        () => entry(cache, name, fill),
        `about ${source.cpuMinutes} CPU minutes`,
      ),
    (owner) => {
      tell(`waits for another build (process ${owner}) to end`);
    },
  );
}

async function versionIn(folder: string, module: string | undefined): Promise<string> {
  if (module === undefined) return '';
  const text = await readFile(path.join(folder, 'go.mod'), 'utf8');
  const found = new RegExp(`^(?:require)?\\s*${module} (v\\S+)$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new SetupError(`${folder}/go.mod requires no ${module}`);
  return found;
}

function environment(): NodeJS.ProcessEnv {
  // A static binary runs in an image that holds nothing else. Flags of the machine's own must not change it.
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' };
}

async function go(args: readonly string[], cwd: string): Promise<string> {
  return (await run('go', args, { cwd, env: environment() })).stdout;
}

/** Runs `go build -v`, which names every package that it compiles, and says how far it is. */
async function compile(source: Source, cwd: string, args: readonly string[]): Promise<void> {
  const packages = (await go(['list', '-mod=readonly', '-deps', source.what], cwd)).split('\n');
  const child = start('go', ['build', ...args], {
    cwd,
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let compiled = 0;
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    compiled += more.split('\n').length - 1;
  });
  const timer = setInterval(() => {
    tell(`${source.name}: ${compiled} of at most ${packages.length} packages compiled`);
  }, PROGRESS_EVERY_MS);
  const code = await new Promise<number>((resolve) => {
    child.on('error', () => {
      resolve(127);
    });
    child.on('close', (exit) => {
      resolve(exit ?? 1);
    });
  }).finally(() => {
    clearInterval(timer);
  });
  if (code !== 0) {
    const end = text.trim().split('\n').slice(-15).join('\n  ');
    throw new SetupError(`go build of ${source.name} failed with code ${code}:\n  ${end}`);
  }
}

async function requireGo(): Promise<void> {
  const { code, stdout } = await tryRun('go', ['version'], { env: { ...process.env } });
  const version = code === 0 ? versionAfter(stdout, /go version go/) : undefined;
  if (version !== undefined && isAtLeast(version, OLDEST_GO)) return;
  const found = version === undefined ? 'was not found' : `is only ${version}`;
  throw new SetupError(
    `Go ${found}; the test cluster is built with Go ${OLDEST_GO} or newer (which fetches the exact ` +
      'toolchain by itself). Install it from https://go.dev/dl/ or, on Debian 13 and newer, with ' +
      '"sudo apt-get install golang-go", and put it on PATH.',
  );
}

/** Without it the server calls itself v0.0.0, which clients refuse to read. */
function kubernetesStamp(version: string): readonly string[] {
  const [major = '', minor = ''] = version.slice(1).split('.');
  const values = {
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
  };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) =>
    Object.entries(values).map(([key, value]) => `-X ${name}.${key}=${value}`),
  );
}
