/** `speed-gate workload …`: make, check and show workloads. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { workloadFromAccessLog } from '../load/access-log/from-access-log.ts';
import { readWorkload } from '../load/workload-file.ts';
import { workloadJsonSchema } from '../load/workload-schema.ts';
import { meanRate, nonIdempotentRequests } from '../load/workload.ts';

const usage = `usage: npm run speed-gate -- workload COMMAND
  check FILE                    say whether a workload file can be used, and what it sends
  inline FILE                   print it as JSON with the data that it names, as a run is asked with it
  schema                        print the JSON Schema of a workload file
  from-access-log FILE …        make one from access logs of Apache httpd (plain or gzip; - is standard input)
    --format FORMAT             common, combined, vhost_common, vhost_combined or a LogFormat (default: told by
                                the lines; with or without %D at the end)
    --allow-query NAME,…        keep the values of these query parameters
    --include-unsafe            take requests that change something too (POST, PUT, PATCH, DELETE)
    --max-kinds N               most kinds of requests (default 20)
    --max-rate N                highest rate, requests per second (default 1000)
    --host HOST                 only requests to this host, where the log says it
    --output FILE               write there instead of to standard output`;

/** A parameter's name as it stands in a URL. */
const QUERY_NAME = /^[A-Za-z0-9._~-]{1,60}$/;

/** Exit code 2 for wrong arguments, 1 for a workload or log that cannot be used. */
export async function workload(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === 'check') check(oneFile(rest));
  else if (name === 'inline') console.log(JSON.stringify(readWorkload(oneFile(rest))));
  else if (name === 'schema') console.log(JSON.stringify(workloadJsonSchema(), undefined, 2));
  else if (name === 'from-access-log') await fromAccessLog(rest);
  else if (name === '--help') console.log(usage);
  else {
    console.error(name === undefined ? usage : `no command ${JSON.stringify(name)}\n\n${usage}`);
    process.exitCode = 2;
  }
}

function check(file: string): void {
  const read = readWorkload(file);
  const { requests } = read;
  console.log(
    `${file}: ${requests.length} kinds of requests, ${Number(meanRate(read).toPrecision(4))} requests/s to each arm on average`,
  );
  const twice = nonIdempotentRequests(read);
  if (twice.length === 0) return;
  const names = twice.map((kind) => kind.name).join(', ');
  console.error(`sent to both arms, so what they do happens twice: ${names}`);
}

async function fromAccessLog(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'allow-query': { type: 'string', multiple: true, default: [] },
      format: { type: 'string' },
      host: { type: 'string' },
      'include-unsafe': { type: 'boolean', default: false },
      'max-kinds': { type: 'string' },
      'max-rate': { type: 'string' },
      output: { type: 'string' },
    },
  });
  if (positionals.length === 0) throw new Error(`which log?\n${usage}`);
  const { format, host, output } = values;
  const maxKinds = numberOption('--max-kinds', values['max-kinds'], 1, 1000);
  const maxRate = numberOption('--max-rate', values['max-rate'], 0.001, 10_000);
  const { text, remarks } = await workloadFromAccessLog(positionals, {
    allowQuery: queryNames(values['allow-query']),
    includeUnsafe: values['include-unsafe'],
    ...(format === undefined ? {} : { format }),
    ...(host === undefined ? {} : { host }),
    ...(maxKinds === undefined ? {} : { maxKinds: Math.round(maxKinds) }),
    ...(maxRate === undefined ? {} : { maxRate }),
  });
  for (const remark of remarks) console.error(remark);
  if (output === undefined) process.stdout.write(text);
  else writeFileSync(output, text);
}

function queryNames(lists: readonly string[]): readonly string[] {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim());
  const wrong = names.find((name) => !QUERY_NAME.test(name));
  if (wrong !== undefined) {
    throw new Error(
      `--allow-query ${JSON.stringify(wrong)}: a query parameter is called by letters, digits and ._~-`,
    );
  }
  return [...new Set(names)];
}

function numberOption(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= least && value <= most)) {
    throw new Error(`${option} ${JSON.stringify(text)}: a number from ${least} to ${most}`);
  }
  return value;
}

function oneFile(args: readonly string[]): string {
  const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new Error(`one file is needed\n${usage}`);
  return file;
}
