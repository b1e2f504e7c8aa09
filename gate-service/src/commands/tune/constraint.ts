/** An expression as a constraint of a knob space. */
import type { Values } from '../../optimizer/space/bound-space.ts';
import type { Constraint } from '../../optimizer/space/knob-space.ts';
import { NotComputableError, type Expression } from './expression.ts';

/**
 * Named by its text. What cannot be computed does not hold.
 * @param context numbers beside the knobs that the expression may name
 */
export function createConstraint(
  text: string,
  expression: Expression,
  context: Readonly<Record<string, number>>,
): Constraint<Values, undefined> {
  // Tuners check thousands of configurations: most expressions need no copy.
  const surrounded = expression.names.some((name) => Object.hasOwn(context, name));
  const around = (values: Values): Values => (surrounded ? { ...context, ...values } : values);
  const failure = (values: Values): string | undefined => {
    try {
      return expression.holds(around(values)) ? undefined : 'does not hold';
    } catch (error) {
      if (error instanceof NotComputableError) return `cannot be computed: ${error.message}`;
      throw error;
    }
  };
  return {
    name: text,
    holds: (values) => failure(values) === undefined,
    message: (values) => {
      const all = around(values);
      const facts = expression.names.map((name) => `${name} = ${JSON.stringify(all[name])}`);
      return `${text} ${failure(values) ?? 'holds'}; ${facts.join(', ')}`;
    },
  };
}
