/** What docs/webhooks.md tells receivers to do, done: each of its verifiers against what the service signs. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
type Verify = (attempt: Attempt) => Promise<boolean>;

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

const javaScript: Verify = async ({ body = BODY, header, secret = SECRET }) => {
  const file = await block('verify.mjs');
  const { isFromSpeedGate } = (await import(pathToFileURL(file).href)) as {
    isFromSpeedGate(header: string, body: string, secret: string): boolean;
  };
  return isFromSpeedGate(header, body, secret);
};

const shell: Verify = async ({ body = BODY, header, secret = SECRET }) => {
  const file = await block('verify.sh');
  const bodyFile = join(folder, 'body');
  await writeFile(bodyFile, body);
  const environment = { ...process.env, SPEED_GATE_WEBHOOK_SECRET: secret };
  return run('sh', [file, header, bodyFile], { env: environment }).then(
    () => true,
    () => false,
  );
};

const groovy: Verify = async ({ body = BODY, header, secret = SECRET }) => {
  const { java, pipelineLibraries } = loadComponents();
  const call = 'println(isFromSpeedGate(args[0], args[1], args[2]))\n';
  const file = await block('verify.groovy', call);
  const { stdout } = await run(
    java.path,
    [
      '-Dfile.encoding=UTF-8',
      '-Dsun.jnu.encoding=UTF-8',
      '-cp',
      join(pipelineLibraries.classpathDir, '*'),
      'groovy.ui.GroovyMain',
      file,
      header,
      body,
      secret,
    ],
    { env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  );
  return stdout.trim() === 'true';
};

describe.each<[string, Verify]>([
  ['JavaScript', javaScript],
  ['Groovy', groovy],
  ['shell', shell],
])('the verifier in %s', (_, verify) => {
  const seconds = () => Math.floor(Date.now() / 1000);
  const signed = (at = seconds(), secrets = [SECRET]) => sign(secrets, BODY, at);

  it('takes what the service signed, also while the secret is rotated', async () => {
    expect(await verify({ header: signed() })).toBe(true);
    expect(await verify({ header: signed(seconds(), ['x'.repeat(32), SECRET]) })).toBe(true);
  });

  it('refuses a changed body, another secret, a changed time and what is old', async () => {
    const header = signed();
    expect(await verify({ header, body: BODY.replace('12', '1') })).toBe(false);
    expect(await verify({ header, secret: 'y'.repeat(32) })).toBe(false);
    expect(await verify({ header: header.replace(/t=\d+/, `t=${seconds() + 60}`) })).toBe(false);
    expect(await verify({ header: signed(seconds() - 400) })).toBe(false);
    expect(await verify({ header: signed(seconds() + 400) })).toBe(false);
  });

  it.each(['', 'v1=', 't=,v1=', 'no signature at all', `t=1772366400,v1=${'0'.repeat(64)}`])(
    'refuses the header %j',
    async (header) => {
      expect(await verify({ header })).toBe(false);
    },
  );
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
