/** `speed-gate judge`: stored sample files in, one line of JSON each out. Described in docs/judge-command.md. */
import { parseArgs } from 'node:util';
import { parseThreshold } from '../judge/threshold.ts';
import type { ComparedArms } from '../judge/windows.ts';
import { isArmName } from '../load/sample-format.ts';
import { judgeFile, type JudgingOptions } from './judge-file.ts';

const usage = `usage: npm run speed-gate -- judge [OPTION …] FILE …
  --threshold T           must hold, e.g. "p99 <= baseline + 5%"; repeatable
  --shown T               is measured and shown, decides nothing; repeatable
  --controls WHEN         required (default) or optional: whether planted block, counters and fitness must be there
  --seed N                splits the baseline's samples for the same-build control (default 1)
  --planted-delay-us N    delay of the planted block, for files that do not say
  --arms REFERENCE,SUBJECT  arms to compare (default baseline,candidate; a tuning file: candidate,challenger)`;

/** As in the README's catalogue. */
export const defaultThresholds: readonly string[] = [
  'p50 <= baseline + 10%',
  'p95 <= baseline + 15%',
  'errors < 1%',
];

/** Wrong arguments: the message is for a person. */
class UsageError extends Error {}

/**
 * Judges each file with the looks of the live run. Exit code 0 when all files were judged, whatever the
 * decisions; 1 when one could not be; 2 for wrong arguments.
 */
export async function judge(args: readonly string[]): Promise<void> {
  let order: { readonly files: readonly string[]; readonly options: JudgingOptions };
  try {
    order = readArguments(args);
  } catch (error) {
    console.error(
      `speed-gate judge: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`,
    );
    process.exitCode = 2;
    return;
  }
  // The reader has seen enough, as in `| head -1`.
  process.stdout.on('error', () => process.exit(1));
  for (const note of order.options.notes) console.error(`speed-gate judge: ${note}`);
  for (const [index, file] of order.files.entries()) {
    const report = await judgeFile(file, order.options);
    console.log(JSON.stringify(report));
    if (report.error !== undefined) {
      console.error(`speed-gate judge: ${report.error}`);
      process.exitCode = 1;
    } else if (order.files.length > 1) {
      console.error(
        `[${index + 1}/${order.files.length}] ${file}: ${report.decision} (${report.cause})`,
      );
    }
  }
}

/** @throws Error that says which argument is wrong */
function readArguments(args: readonly string[]): {
  readonly files: readonly string[];
  readonly options: JudgingOptions;
} {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      arms: { type: 'string', default: 'baseline,candidate' },
      controls: { type: 'string', default: 'required' },
      'planted-delay-us': { type: 'string' },
      seed: { type: 'string', default: '1' },
      shown: { type: 'string', multiple: true, default: [] },
      threshold: { type: 'string', multiple: true, default: [] },
    },
  });
  if (positionals.length === 0) throw new UsageError('no sample file was named');
  if (values.controls !== 'required' && values.controls !== 'optional') {
    throw new UsageError(`--controls ${values.controls}: expected required or optional`);
  }
  const given = values.threshold.length > 0;
  const delay = values['planted-delay-us'];
  return {
    files: positionals,
    options: {
      thresholds: (given ? values.threshold : defaultThresholds).map(parseThreshold),
      shown: values.shown.map(parseThreshold),
      controlsRequired: values.controls === 'required',
      seed: wholeNumber('--seed', values.seed),
      arms: armsOption(values.arms),
      ...(delay === undefined ? {} : { plantedDelayUs: positiveNumber(delay) }),
      notes: given
        ? []
        : [`no --threshold: judged by the defaults ${defaultThresholds.join(', ')}`],
    },
  };
}

function wholeNumber(option: string, text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new UsageError(`${option} ${text}: expected a whole number`);
  return Number(text);
}

function positiveNumber(text: string): number {
  const value = /^\d{1,12}(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (!(value > 0)) {
    throw new UsageError(`--planted-delay-us ${text}: expected microseconds above 0`);
  }
  return value;
}

function armsOption(text: string): ComparedArms {
  const [reference = '', subject = '', ...more] = text.split(',');
  const usable = (arm: string): boolean => isArmName(arm) && arm !== 'planted';
  if (
    more.length > 0 ||
    reference === subject ||
    !usable(reference) ||
    !usable(subject) ||
    !isArmName(reference) ||
    !isArmName(subject)
  ) {
    throw new UsageError(
      `--arms ${text}: expected two of baseline, candidate, challenger, e.g. candidate,challenger`,
    );
  }
  return { reference, subject };
}
