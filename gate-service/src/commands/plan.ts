/** `speed-gate plan`: how long a threshold takes, or what a given time can show, from past measurements. */
import { parseArgs } from 'node:util';
import { pastWindows, type PastWindows } from '../judge/past-windows.ts';
import { formatThreshold, parseThreshold, type Threshold } from '../judge/threshold.ts';
import {
  measurementsInFiles,
  measurementsOfService,
  type PastMeasurement,
} from './past-measurements.ts';
import { answerPlan, describePlan, type PlanQuestion } from './plan-answer.ts';

const usage = `usage: npm run speed-gate -- plan (--service NAME | --file FILE …) --threshold T [OPTION …]
  --threshold T      what is to be shown, e.g. "p99 <= baseline + 5%"
  --service NAME     plan from the stored runs of this service …
  --state DIR        … in this state folder (default: that of the service)
  --file FILE        plan from sample files instead; repeatable
  --seconds N        what can so many measured seconds show?
  --effect AMOUNT    how long until a build with this true effect is found to breach, e.g. 10% or 20ms
  --measurements N   take the newest N (default 5)
  --json             one line of JSON`;

interface Order {
  readonly question: PlanQuestion;
  readonly measurements: number;
  readonly json: boolean;
  readonly source: AsyncGenerator<PastMeasurement>;
}

/** Exit code 2 for wrong arguments, 1 when there is nothing to plan from. */
export async function plan(args: readonly string[]): Promise<void> {
  let order: Order;
  try {
    order = readArguments(args);
  } catch (error) {
    console.error(
      `speed-gate plan: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`,
    );
    process.exitCode = 2;
    return;
  }
  const { question, json, measurements, source } = order;
  const past: PastWindows[] = [];
  for await (const one of alike(question.threshold, source)) {
    past.push(one);
    if (past.length >= measurements) break;
  }
  if (past.length === 0) {
    throw new Error(
      `${formatThreshold(question.threshold)}: no past measurement to plan from holds windows of both arms that count`,
    );
  }
  const answer = answerPlan(question, past);
  console.log(json ? JSON.stringify(answer) : describePlan(answer).join('\n'));
}

/** Measurements with windows like those of the first: the spread depends on how long and full they are. */
async function* alike(
  threshold: Threshold,
  source: AsyncGenerator<PastMeasurement>,
): AsyncGenerator<PastWindows> {
  let first: PastWindows | undefined;
  for await (const { arms, measurement, name } of source) {
    const windows = pastWindows(measurement, threshold, arms);
    if (windows === undefined || !(windows.windowSeconds > 0)) {
      console.error(
        `speed-gate plan: ${name}: no two windows of both arms that count, passed over`,
      );
      continue;
    }
    first ??= windows;
    if (
      near(windows.windowSeconds, first.windowSeconds, 0.1) &&
      near(windows.requestsPerWindow, first.requestsPerWindow, 0.3)
    ) {
      yield windows;
    } else {
      console.error(
        `speed-gate plan: ${name}: windows of another length or rate than the newest measurement's, passed over`,
      );
    }
  }
}

function near(a: number, b: number, part: number): boolean {
  return Math.abs(a - b) <= part * b;
}

/** @throws Error that says which argument is wrong */
function readArguments(args: readonly string[]): Order {
  const { values } = parseArgs({
    args: [...args],
    options: {
      effect: { type: 'string' },
      file: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      measurements: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      service: { type: 'string' },
      state: { type: 'string' },
      threshold: { type: 'string' },
    },
  });
  const { effect, file, json, seconds, service } = values;
  if (values.threshold === undefined) throw new Error('--threshold is missing');
  if ((service === undefined) === (file.length === 0)) {
    throw new Error('name either a --service or one --file or more');
  }
  const threshold = parseThreshold(values.threshold);
  const question: PlanQuestion = {
    threshold,
    ...(seconds === undefined ? {} : { seconds: positive('--seconds', seconds) }),
    ...(effect === undefined ? {} : { effect: effectOption(effect, threshold) }),
  };
  return {
    question,
    json,
    measurements: positive('--measurements', values.measurements),
    source:
      service === undefined
        ? measurementsInFiles(file)
        : measurementsOfService(service, values.state, (sentence) => {
            console.error(`speed-gate plan: ${sentence}, passed over`);
          }),
  };
}

function positive(option: string, text: string): number {
  const value = /^\d{1,7}(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (!(value > 0)) throw new Error(`${option} ${text}: expected a number above 0`);
  return value;
}

/** In the base unit of the threshold's amount. */
function effectOption(text: string, { unit }: Threshold): number {
  const match = /^\+?(\d{1,9}(?:\.\d+)?)\s*(%|us|ms|s)$/.exec(text);
  const factors: Readonly<Record<string, number>> = { '%': 0.01, us: 0.001, ms: 1, s: 1000 };
  const factor = factors[match?.[2] ?? ''];
  if (match?.[1] === undefined || factor === undefined) {
    throw new Error(`--effect ${text}: expected an amount such as 10% or 20ms`);
  }
  if ((match[2] === '%') !== (unit === '%')) {
    throw new Error(`--effect ${text}: the threshold is in ${unit}`);
  }
  return Number(match[1]) * factor;
}
