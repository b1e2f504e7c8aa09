/**
 * `npm test [-- PART …]`: types, lint, format, vitest's projects and the Groovy tests. Runs every
 * part even when one fails, side by side where nothing is measured; the last line is the sum, and the exit code
 * says whether all passed.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import {
  add,
  closingLine,
  countSurefire,
  countVitest,
  failuresOfVitest,
  settle,
} from './test-counts.ts';
import type { Counts } from './test-counts.ts';

const root = path.join(import.meta.dirname, '..', '..');
const none: Counts = { passed: 0, failed: 0, skipped: 0 };
const reports = mkdtempSync(path.join(tmpdir(), 'speed-gate-tests-'));
process.on('exit', () => {
  rmSync(reports, { recursive: true, force: true });
});

const running = new Set<ChildProcess>();
let interrupted: NodeJS.Signals | undefined;

/** Where a tool's output goes: shown as it comes, or kept until its part has ended, so that two do not mix. */
type Output = 'shown' | string[];

/** Runs a tool; the exit code, 1 for a signal and 127 if it cannot start. */
function run(
  output: Output,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<number> {
  const bin = path.join(root, 'node_modules', '.bin');
  const PATH = `${bin}${path.delimiter}${process.env.PATH ?? ''}`;
  return new Promise<number>((resolve) => {
    const to = output === 'shown' ? 'inherit' : 'pipe';
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, PATH, ...env },
      stdio: ['ignore', to, to],
    });
    running.add(child);
    if (output !== 'shown') {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
      }
    }
    child.on('error', (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(127);
    });
    child.on('close', (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
}

interface PartResult {
  readonly counts: Counts;
  readonly note: string;
  /** What failed, test by test, where the tool tells. */
  readonly failures?: readonly string[];
}

/** A check that passes or fails as a whole. */
async function check(output: Output, program: string, ...args: string[]): Promise<PartResult> {
  const passed = (await run(output, program, args)) === 0;
  return { counts: { ...none, ...(passed ? { passed: 1 } : { failed: 1 }) }, note: '' };
}

async function vitest(output: Output, project: string): Promise<PartResult> {
  const file = path.join(reports, `${project}.json`);
  const code = await run(output, 'vitest', [
    ...['run', '--project', project, '--passWithNoTests'],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
  ]);
  try {
    const report = readFileSync(file, 'utf8');
    return { ...settle(countVitest(report), code), failures: failuresOfVitest(report) };
  } catch {
    return { counts: { ...none, failed: 1 }, note: `no report, ended with code ${code}` };
  }
}

/** Tests of a Maven project. @param folder of its pom.xml */
async function maven(output: Output, folder: string): Promise<PartResult> {
  const surefire = path.join(root, folder, 'target', 'surefire-reports');
  // Reports of an earlier run would be counted as this one's.
  rmSync(surefire, { recursive: true, force: true });
  const pom = path.join(folder, 'pom.xml');
  const JAVA_HOME = loadComponents().java.home;
  const code = await run(output, 'mvn', ['-q', '-B', '-f', pom, 'test'], { JAVA_HOME });
  try {
    const counts = readdirSync(surefire)
      .filter((name) => name.startsWith('TEST-') && name.endsWith('.xml'))
      .map((name) => countSurefire(readFileSync(path.join(surefire, name), 'utf8')))
      .reduce(add, none);
    return settle(counts, code);
  } catch {
    return { counts: { ...none, failed: 1 }, note: `no report, ended with code ${code}` };
  }
}

/** The pipeline steps, and the lint of all Groovy, which brings a Groovy of its own. */
async function groovy(output: Output): Promise<PartResult> {
  const steps = await maven(output, path.join('test', 'groovy'));
  const lint = await maven(output, path.join('test', 'groovy', 'lint'));
  const notes = [steps.note, lint.note && `lint: ${lint.note}`].filter((note) => note !== '');
  return { counts: add(steps.counts, lint.counts), note: notes.join('; ') };
}

const parts: Readonly<Record<string, (output: Output) => Promise<PartResult>>> = {
  types: async (output) => {
    // The dashboard and its tests know a browser's names, the service does not.
    let counts = (await check(output, 'tsc', '--noEmit')).counts;
    for (const folder of ['gate-service/dashboard/src', 'test/browser']) {
      counts = add(counts, (await check(output, 'tsc', '--noEmit', '-p', folder)).counts);
    }
    return { counts, note: '' };
  },
  lint: (output) => check(output, 'eslint', '.'),
  format: (output) => check(output, 'prettier', '--check', '--log-level=warn', '.'),
  unit: (output) => vitest(output, 'unit'),
  groovy,
  image: (output) => vitest(output, 'image'),
  integration: (output) => vitest(output, 'integration'),
  browser: (output) => vitest(output, 'browser'),
  e2e: (output) => vitest(output, 'e2e'),
  kubernetes: (output) => vitest(output, 'kubernetes'),
  'own-gate': (output) => vitest(output, 'own-gate'),
};

/** Only when named: the pipeline that runs all the others has it as a stage of its own. */
const ON_REQUEST: readonly string[] = ['own-gate'];

/**
 * What may go on side by side: nothing in the first step measures. Building the image waits for packages and the
 * disk most of the time. From the second step on real load is sent, and whoever measures has the machine alone.
 */
const steps: readonly (readonly (readonly string[])[])[] = [
  [['types', 'lint', 'format', 'unit'], ['groovy'], ['image']],
  [['integration', 'browser', 'e2e', 'kubernetes']],
];

function row(name: string, { passed, failed, skipped }: Counts, seconds: number, note: string) {
  const numbers = [passed, failed, skipped].map((count) => String(count).padStart(8)).join('');
  return `${name.padEnd(12)}${numbers}${seconds.toFixed(1).padStart(9)}  ${note}`.trimEnd();
}

async function runParts(names: readonly string[]): Promise<Counts> {
  const rows: string[] = [];
  const failed: string[] = [];
  let sum = none;
  const one = async (name: string, alone: boolean): Promise<void> => {
    const part = parts[name];
    if (part === undefined || interrupted !== undefined) return;
    const kept: string[] = [];
    const heading = `\n== ${name}`;
    console.log(alone ? heading : `${heading} …`);
    const start = performance.now();
    const { counts, failures = [], note } = await part(alone ? 'shown' : kept);
    if (!alone) console.log(`${heading}\n${kept.join('')}`);
    rows.push(row(name, counts, (performance.now() - start) / 1000, note));
    failed.push(...failures.map((failure) => `${name}: ${failure}`));
    sum = add(sum, counts);
  };
  const placed = steps.flat(2);
  const others = Object.keys(parts).filter((name) => !placed.includes(name));
  for (const step of [...steps, [others]]) {
    const lanes = step.map((lane) => lane.filter((name) => names.includes(name)));
    const busy = lanes.filter((lane) => lane.length > 0);
    await Promise.all(
      busy.map(async (lane) => {
        for (const name of lane) await one(name, busy.length === 1);
      }),
    );
  }
  console.log(`\n${'part'.padEnd(12)}  passed  failed skipped  seconds`);
  console.log(`${rows.join('\n')}\n`);
  if (failed.length > 0) console.log(`Failed:\n\n${failed.join('\n\n')}\n`);
  return sum;
}

function isPart(name: string): boolean {
  return Object.hasOwn(parts, name);
}

const names = process.argv.slice(2);
if (!names.every(isPart)) {
  const unknown = names.filter((name) => !isPart(name)).join(', ');
  console.error(`No such part: ${unknown}. Parts: ${Object.keys(parts).join(', ')}`);
  process.exitCode = 2;
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interrupted = signal;
      for (const child of running) child.kill(signal);
    });
  }
  const all = Object.keys(parts).filter((name) => !ON_REQUEST.includes(name));
  const sum = await runParts(names.length === 0 ? all : names);
  process.exitCode = interrupted === undefined && sum.failed === 0 && sum.passed > 0 ? 0 : 1;
  if (interrupted !== undefined) console.log(`Interrupted by ${interrupted}`);
  console.log(closingLine(sum));
}
