/** What docs/webhooks.md tells receivers to do, done: each of its verifiers against what the service signs. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sign } from '../../gate-service/src/notifications/signature.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const SECRET = 'a-secret-of-32-characters-1234567';
const BODY = '{"type":"decision","summary":"p95 ist 12 % langsamer – siehe Bericht"}';

interface Attempt {
  readonly header: string;
  readonly body?: string;
  readonly secret?: string;
}
/** Whether each is taken for one that the service sent. */
type Verify = (attempts: readonly Attempt[]) => Promise<readonly boolean[]>;

let folder: string;
let page: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-verifiers-'));
  page = await readFile(join(ROOT, 'docs/webhooks.md'), 'utf8');
});
afterAll(() => rm(folder, { recursive: true }));

/** A block of the page that says which file it is. */
async function block(name: string, after = ''): Promise<string> {
  const found = new RegExp(`\`\`\`\\w+ file=${name.replace('.', '\\.')}\\n([^]*?)\n\`\`\``).exec(
    page,
  );
  if (found?.[1] === undefined) throw new Error(`docs/webhooks.md has no block file=${name}`);
  const file = join(folder, name);
  await writeFile(file, `${found[1]}\n${after}`);
  return file;
}

const javaScript: Verify = async (attempts) => {
  const file = await block('verify.mjs');
  const { isFromSpeedGate } = (await import(pathToFileURL(file).href)) as {
    isFromSpeedGate: (header: string, body: string, secret: string) => boolean;
  };
  return attempts.map(({ body = BODY, header, secret = SECRET }) =>
    isFromSpeedGate(header, body, secret),
  );
};

const shell: Verify = async (attempts) => {
  const file = await block('verify.sh');
  return Promise.all(
    attempts.map(async ({ body = BODY, header, secret = SECRET }, index) => {
      const bodyFile = join(folder, `body-${index}`);
      await writeFile(bodyFile, body);
      const environment = { ...process.env, SPEED_GATE_WEBHOOK_SECRET: secret };
      return run('sh', [file, header, bodyFile], { env: environment }).then(
        () => true,
        () => false,
      );
    }),
  );
};

/** All in one JVM: its start takes longer than the checks. */
const groovy: Verify = async (attempts) => {
  const { java, pipelineLibraries } = loadComponents();
  const given = join(folder, 'attempts.json');
  const whole = attempts.map(({ body = BODY, header, secret = SECRET }) => [header, body, secret]);
  await writeFile(given, JSON.stringify(whole));
  const file = await block(
    'verify.groovy',
    `new groovy.json.JsonSlurper().parse(new File(args[0]), 'UTF-8').each { println(isFromSpeedGate(it[0], it[1], it[2])) }\n`,
  );
  const classpath = join(pipelineLibraries.classpathDir, '*');
  const { stdout } = await run(java.path, [
    ...['-Dfile.encoding=UTF-8', '-cp', classpath],
    ...['groovy.ui.GroovyMain', file, given],
  ]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line === 'true');
};

it.each<[string, Verify]>([
  ['JavaScript', javaScript],
  ['Groovy', groovy],
  ['shell', shell],
])('the verifier in %s takes what the service signed, and nothing else', async (_, verify) => {
  const now = Math.floor(Date.now() / 1000);
  const signed = (at = now, secrets = [SECRET]) => sign(secrets, BODY, at);
  const header = signed();
  const good: readonly Attempt[] = [
    { header },
    // While the secret is rotated.
    { header: signed(now, ['x'.repeat(32), SECRET]) },
    { header: signed(now, [SECRET, 'x'.repeat(32)]) },
    { header: signed(now - 200) },
  ];
  const bad: readonly Attempt[] = [
    { header, body: BODY.replace('12', '1') },
    { header, body: `${BODY} ` },
    { header, secret: 'y'.repeat(32) },
    { header: header.replace(/t=\d+/, `t=${now + 60}`) },
    { header: signed(now - 400) },
    { header: signed(now + 400) },
    { header: header.replace(/v1=.*/, 'v1=') },
    { header: header.replace(/v1=/, 'v0=') },
    ...['', 'v1=', 't=,v1=', 'no signature at all', `t=1772366400,v1=${'0'.repeat(64)}`].map(
      (text) => ({ header: text }),
    ),
  ];
  const answers = await verify([...good, ...bad]);
  expect(answers).toStrictEqual([...good.map(() => true), ...bad.map(() => false)]);
});

it('the example pipeline that waits to be woken is Groovy', async () => {
  const { java, pipelineLibraries } = loadComponents();
  const file = join(folder, 'parse.groovy');
  // Only its syntax: the classes of Jenkins are not here.
  await writeFile(
    file,
    `import org.codehaus.groovy.control.*
     CompilationUnit unit = new CompilationUnit()
     unit.addSource(new File(args[0]))
     unit.compile(Phases.CONVERSION)
     println('parsed')`,
  );
  const classpath = join(pipelineLibraries.classpathDir, '*');
  const { stdout } = await run(java.path, [
    '-cp',
    classpath,
    'groovy.ui.GroovyMain',
    file,
    join(ROOT, 'pipelines/wake.Jenkinsfile'),
  ]);
  expect(stdout.trim()).toBe('parsed');
});
