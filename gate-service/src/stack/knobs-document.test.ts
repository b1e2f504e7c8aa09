/** docs/knobs.md held against the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Knob } from '../optimizer/space/knob.ts';
import { COSTS } from './cost.ts';
import { KNOB_NAMES, STACK_KNOBS } from './knobs.ts';
import { STACK_RULES } from './rules.ts';
import { STOCK_VALUES } from './stock.ts';
import { NOT_TUNED, TUNING_KNOB_NAMES, TUNING_KNOBS } from './tuning-knobs.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/knobs.md'), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

it('shows every knob as it is declared', () => {
  expect(rows.slice(0, KNOB_NAMES.length)).toEqual(knobRows());
});

it('names every rule, what a tuner turns and what it leaves alone', () => {
  for (const { name } of STACK_RULES) expect(text).toContain(`\`${name}\``);
  const ranges = rows.slice(KNOB_NAMES.length).map(([name, range]) => [name, range]);
  expect(ranges).toEqual(
    TUNING_KNOB_NAMES.map((name) => [`\`${name}\``, legalValues(TUNING_KNOBS[name])]),
  );
  for (const reason of Object.values(NOT_TUNED)) expect(text).toContain(reason);
});

/** Cells of one row: name, what it is, legal values, stock, cost to apply, when it has no effect. */
function knobRows(): readonly (readonly string[])[] {
  return KNOB_NAMES.map((name) => {
    const knob: Knob = STACK_KNOBS[name];
    const cost = COSTS[name];
    const by = knob.deactivatedBy;
    return [
      `\`${name}\``,
      knob.description,
      legalValues(knob),
      String(STOCK_VALUES[name]),
      typeof cost === 'string' ? cost : `up ${cost.raise}, down ${cost.lower}`,
      by === undefined ? '' : `\`${by.knob}\` ${String(by.value)}`,
    ];
  });
}

function legalValues(knob: Knob): string {
  switch (knob.kind) {
    case 'boolean':
      return 'true, false';
    case 'categorical':
      return knob.categories.join(', ');
    case 'integer':
    case 'real':
      return `${knob.minimum}–${knob.maximum} ${knob.unit}, ${knob.scale}`;
  }
}
