import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface PipelineOptions {
  readonly java: string;
  /** Folder of the JARs: groovy-cps, jenkins-pipeline-unit and what they need. */
  readonly classpathDir: string;
  /** Root of the shared library: `vars/` and `resources/`. */
  readonly library: string;
  readonly workspace: string;
  readonly jenkinsfile: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Secrets by credentials id. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

export type PipelineResult = 'SUCCESS' | 'UNSTABLE' | 'FAILURE';

const opens = ['lang', 'util', 'io', 'net', 'lang.reflect', 'text'].flatMap((name) => [
  '--add-opens',
  `java.base/java.${name}=ALL-UNNAMED`,
]);

/**
 * Runs a Jenkinsfile on the pipeline's CPS interpreter (`resources/jenkins/interpreter`), in a JVM of its own.
 * @throws Error when the interpreter ends without saying a result, and the signal's reason after it fired: then
 *   neither the JVM nor a shell of it runs any more
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  options.signal.throwIfAborted();
  const interpreter = path.join(options.library, 'resources/jenkins/interpreter');
  const jars = readdirSync(options.classpathDir)
    .filter((file) => file.endsWith('.jar'))
    .map((file) => path.join(options.classpathDir, file));
  const secrets = Object.fromEntries(
    Object.entries(options.secrets).map(([id, secret]) => [`SPEED_GATE_SECRET_${id}`, secret]),
  );
  const child = spawn(
    options.java,
    [
      '-Xmx192m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...opens,
      '-cp',
      [...jars, interpreter].join(path.delimiter),
      'groovy.ui.GroovyMain',
      path.join(interpreter, 'RunPipeline.groovy'),
      options.library,
      options.workspace,
      options.jenkinsfile,
    ],
    {
      cwd: options.workspace,
      env: { PATH: process.env.PATH, ...options.environment, ...secrets },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that an interrupt also ends the shells that the step has started.
      detached: true,
    },
  );
  const interrupt = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  };
  options.signal.addEventListener('abort', interrupt, { once: true });
  let result: PipelineResult | undefined;
  const errors: string[] = [];
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => {
    const said = /^result: (SUCCESS|UNSTABLE|FAILURE)$/.exec(line)?.[1];
    if (said === undefined) options.onLine(line);
    else result = said as PipelineResult;
  });
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const drained = new Promise<void>((resolve) => output.once('close', resolve));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => {
    options.signal.removeEventListener('abort', interrupt);
  });
  await drained;
  options.signal.throwIfAborted();
  if (result === undefined) {
    throw new Error(
      `the pipeline interpreter ended with code ${String(code)} and no result\n${errors.slice(-20).join('\n')}`,
    );
  }
  return result;
}
