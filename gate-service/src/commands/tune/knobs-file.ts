/** Reads a knobs file into a tuning problem; every mistake is said at once, with its line and field. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { bindSpace, type Values } from '../../optimizer/space/bound-space.ts';
import {
  booleanKnob,
  categoricalKnob,
  describeIllegalValue,
  integerKnob,
  realKnob,
  type Knob,
} from '../../optimizer/space/knob.ts';
import { createKnobSpace, type Constraint } from '../../optimizer/space/knob-space.ts';
import type { TuningProblem } from '../../optimizer/tuner.ts';
import { parseYamlDocument, type Path } from '../../settings/yaml-document.ts';
import { createConstraint } from './constraint.ts';
import { ExpressionError } from './expression-scanner.ts';
import { parseExpression, type Expression } from './expression.ts';
import {
  knobSchema,
  knobsFileSchema,
  type KnobDeclaration,
  type KnobsFile,
} from './knobs-schema.ts';

/** Largest knobs file, bytes. */
const MAX_BYTES = 1024 * 1024;

export interface TuningTask {
  readonly problem: TuningProblem;
  /** Hash of all that decides what is asked, but for budget, seed and experience. */
  readonly identity: string;
}

type Report = (path: Path, message: string) => void;

/**
 * @throws Error when the file cannot be read or is too large
 * @throws DocumentError with every mistake in it
 */
export function readKnobsFile(file: string): TuningTask {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw new Error(`${size} bytes; at most ${MAX_BYTES} are read`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`the knobs file ${file} cannot be read: ${message}`, { cause: error });
  }
  return parseKnobsFile(text, file);
}

/**
 * @param text JSON, or YAML of the same form
 * @param source said in errors, usually the file's name
 * @throws DocumentError with every mistake in it
 */
export function parseKnobsFile(text: string, source = 'knobs.json'): TuningTask {
  // Not by the schema alone: one wrong knob shall not hide what is wrong with a constraint.
  const content = parseYamlDocument(text, source, z.unknown(), checkAll);
  const file = knobsFileSchema.parse(content);
  return { problem: problemOf(file), identity: identityOf(file) };
}

function checkAll(content: unknown, reportTo: Report): void {
  let mistakes = 0;
  const report: Report = (path, message) => {
    mistakes += 1;
    reportTo(path, message);
  };
  const parsed = knobsFileSchema.safeParse(content);
  for (const issue of parsed.error?.issues ?? []) report(issue.path, wordsOf(issue));
  checkRelations(outlineSchema.parse(content), report);
  if (parsed.data === undefined || mistakes > 0) return;
  const { space, start } = problemOf(parsed.data);
  const checked = space.check(start);
  if (checked.ok) return;
  for (const { rule, message } of checked.violations) {
    // Rules are named by their text; single values were checked by the schema.
    const index = parsed.data.constraints.indexOf(rule);
    report(['constraints', index], `the start values break it: ${message}`);
  }
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  return issue.message
    .replace(/^Invalid input: /, '')
    .replace(/^(expected \w+), received undefined$/, 'is missing, $1');
}

const list = z.array(z.unknown()).catch([]);

/** As much as can be read of a file with mistakes. */
const outlineSchema = z
  .object({
    knobs: list,
    constraints: list,
    limits: list,
    context: z.record(z.string(), z.unknown()).catch({}),
  })
  .catch({ knobs: [], constraints: [], limits: [], context: {} });
type Outline = z.infer<typeof outlineSchema>;

/** What stands between the parts of the file; parts that are wrong in themselves are passed over. */
function checkRelations({ knobs, constraints, limits, context }: Outline, report: Report): void {
  const declared = new Map<string, KnobDeclaration | undefined>();
  for (const [index, knob] of knobs.entries()) {
    const name = nameOf(knob, 'name');
    if (name === undefined) continue;
    if (declared.has(name)) report(['knobs', index, 'name'], `two knobs are named ${name}`);
    if (Object.hasOwn(context, name)) {
      report(['context', name], 'a knob has this name; expressions could not tell them apart');
    }
    const { data } = knobSchema.safeParse(knob);
    declared.set(name, data);
  }
  for (const [index, knob] of knobs.entries()) {
    const problem = inactiveProblem(knobSchema.safeParse(knob).data, declared);
    if (problem !== undefined) report(['knobs', index, 'inactiveWhen'], problem);
  }
  for (const [index, text] of constraints.entries()) {
    if (typeof text !== 'string') continue;
    const problem =
      constraints.indexOf(text) < index
        ? 'this constraint stands there twice'
        : constraintProblem(text, declared, context);
    if (problem !== undefined) report(['constraints', index], problem);
  }
  const metrics = limits.map((limit) => nameOf(limit, 'metric'));
  for (const [index, metric] of metrics.entries()) {
    if (metric !== undefined && metrics.indexOf(metric) < index) {
      report(['limits', index, 'metric'], `two limits are on ${metric}`);
    }
  }
}

function nameOf(part: unknown, field: string): string | undefined {
  if (typeof part !== 'object' || part === null || !Object.hasOwn(part, field)) return undefined;
  const name: unknown = (part as Record<string, unknown>)[field];
  return typeof name === 'string' ? name : undefined;
}

type Declared = ReadonlyMap<string, KnobDeclaration | undefined>;

function inactiveProblem(
  knob: KnobDeclaration | undefined,
  declared: Declared,
): string | undefined {
  if (knob?.inactiveWhen === undefined) return undefined;
  const { knob: other, value } = knob.inactiveWhen;
  if (other === knob.name || !declared.has(other)) {
    return `${JSON.stringify(other)} is no other knob of this file`;
  }
  const declaration = declared.get(other);
  const illegal =
    declaration === undefined ? undefined : describeIllegalValue(knobOf(declaration), value);
  return illegal === undefined ? undefined : `${other} ${illegal}`;
}

function constraintProblem(
  text: string,
  declared: Declared,
  context: Readonly<Record<string, unknown>>,
): string | undefined {
  try {
    const { names } = readConstraint(text, declared, context);
    return names.some((name) => declared.has(name)) ? undefined : 'it names no knob';
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

function readConstraint(
  text: string,
  declared: Declared,
  context: Readonly<Record<string, unknown>>,
): Expression {
  return parseExpression(text, (name) => {
    if (declared.has(name)) {
      const knob = declared.get(name);
      switch (knob?.kind) {
        case undefined:
          return { type: 'any' };
        case 'boolean':
          return { type: 'boolean' };
        case 'categorical':
          return { type: 'text', choices: knob.choices };
        case 'integer':
        case 'real':
          return { type: 'number' };
      }
    }
    return Object.hasOwn(context, name) ? { type: 'number' } : undefined;
  });
}

/** The problem of a file without mistakes. */
function problemOf(file: KnobsFile): TuningProblem {
  const declared = new Map(file.knobs.map((knob) => [knob.name, knob]));
  const constraints = file.constraints.map((text): Constraint<Values, undefined> =>
    createConstraint(text, readConstraint(text, declared, file.context), file.context),
  );
  const knobs = Object.fromEntries(file.knobs.map((knob) => [knob.name, knobOf(knob)]));
  return {
    space: bindSpace(createKnobSpace({ knobs, constraints }), undefined),
    start: Object.fromEntries(file.knobs.map(({ name, start }) => [name, start])),
    limits: file.limits,
    context: file.context,
  };
}

/** Words change nothing; the order of the knobs may. */
function identityOf({ knobs, constraints, limits, context }: KnobsFile): string {
  const facts = knobs.map((knob) => ({ ...knob, description: undefined, unit: undefined }));
  const text = JSON.stringify([facts, constraints, limits, context]);
  return createHash('sha256').update(text).digest('hex');
}

function knobOf(knob: KnobDeclaration): Knob {
  const { name, description = name, inactiveWhen } = knob;
  const common = {
    description,
    ...(inactiveWhen === undefined
      ? {}
      : { deactivatedBy: { knob: inactiveWhen.knob, value: inactiveWhen.value } }),
  };
  switch (knob.kind) {
    case 'boolean':
      return booleanKnob(common);
    case 'categorical':
      return categoricalKnob({ ...common, categories: knob.choices });
    case 'integer':
    case 'real': {
      const { low: minimum, high: maximum, scale, unit = '' } = knob;
      const range = { ...common, unit, scale, minimum, maximum };
      return knob.kind === 'integer' ? integerKnob(range) : realKnob(range);
    }
  }
}
