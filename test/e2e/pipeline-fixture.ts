/** A Jenkinsfile that calls the step, run on the pipeline's interpreter against a test's gate. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  runPipeline,
  type PipelineOptions,
  type PipelineResult,
} from '../../gate-service/src/demo/pipeline.ts';
import { components, SERVICE, type TestGate } from '../support/gate-fixture.ts';

export const LIBRARY = join(import.meta.dirname, '../..');

/** What a Jenkinsfile of a test asks for; the job says which thresholds. */
export const ASK = `service: '${SERVICE}', build: 'app.war', profile: 'quick', tune: 'off'`;

/**
 * Thresholds that tell the sample's slow build (25 % slower) from others. The control with the same build halves the
 * samples of a window: at 80 requests per second its interval is about 6 % to each side, of the 14 % that a margin of
 * 10 % allows. With half the rate or half the margin chance alone makes a run invalid now and then.
 */
export const TELLING = `['p50 <= baseline + 10%', 'errors < 5%']`;
export const TELLING_RATE = 80;

/** A run whose machine is not left alone shows nothing, as it should; then it is asked for again. */
export const UNTIL_SHOWN = `int t = 1; t <= 4 && (verdict == null || verdict.cause in ['invalid', 'inconclusive']); t++`;

export interface Played {
  readonly result: PipelineResult;
  /** What the person at the build's log reads. */
  readonly log: string;
}

/**
 * @param step the call, e.g. `speedGate(service: 'checkout', build: 'app.war')`
 * @param war file that lies in the workspace as `app.war`
 */
export function playPipeline(
  gate: TestGate,
  step: string,
  war: string,
  token = gate.token,
): Promise<Played> {
  return playJenkinsfile(gate, `node {\n    stage('Gate') {\n        ${step}\n    }\n}\n`, war, {
    token,
  });
}

interface OnLine {
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface PlayOptions extends OnLine {
  /** Of the credential `speed-gate`; the gate's own unless told. */
  readonly token?: string;
  /** Further credentials: tokens by id. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** What people answer to the dialogs of `input`, one after the other. */
  readonly dialogs?: readonly Readonly<Record<string, string>>[];
}

/** @param war file that lies in the workspace as `app.war` */
export function playJenkinsfile(
  gate: TestGate,
  text: string,
  war: string,
  { token = gate.token, secrets = {}, environment = {}, dialogs = [], onLine }: PlayOptions = {},
): Promise<Played> {
  const fill = (workspace: string) => copyFile(war, join(workspace, 'app.war'));
  return play(text, {
    fill,
    environment: {
      SPEED_GATE_URL: gate.url,
      BUILD_TAG: 'jenkins-test-1',
      ...environment,
      ...(dialogs.length > 0 && { SPEED_GATE_DIALOGS: JSON.stringify(dialogs) }),
    },
    secrets: { ...secrets, 'speed-gate': token },
    onLine,
  });
}

export interface Play extends Pick<PipelineOptions, 'environment' | 'secrets'>, OnLine {
  /** Puts into the workspace what a checkout and the stages before would. */
  readonly fill: (workspace: string) => Promise<void>;
  /** Called at the end whatever came of it, while the workspace is still there. */
  readonly empty?: (workspace: string) => Promise<void>;
}

/** Plays a Jenkinsfile in a folder of its own, which is removed at the end. */
export async function play(
  text: string,
  { fill, empty, environment, secrets, onLine }: Play,
): Promise<Played> {
  const folder = await mkdtemp(join(tmpdir(), 'speed-gate-pipeline-'));
  const workspace = join(folder, 'workspace');
  try {
    await mkdir(workspace);
    await fill(workspace);
    const jenkinsfile = join(folder, 'Jenkinsfile');
    await writeFile(jenkinsfile, text);
    const lines: string[] = [];
    const result = await runPipeline({
      java: components.java.path,
      classpathDir: components.pipelineLibraries.classpathDir,
      library: LIBRARY,
      workspace,
      jenkinsfile,
      environment,
      secrets,
      onLine: (line) => {
        lines.push(line);
        onLine?.(line);
      },
      signal: AbortSignal.timeout(540_000),
    });
    return { result, log: lines.join('\n') };
  } finally {
    await empty?.(workspace);
    await rm(folder, { recursive: true, force: true });
  }
}
