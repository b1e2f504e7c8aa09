/**
 * Knobs that came later than stored configurations. What was in force before there was the knob is
 * the value of a configuration without it, and it does not count in the hash: an old configuration
 * loads, keeps its identity, and equals the same one written today.
 */
import type { KnobName, StackValues } from './knobs.ts';

/**
 * By knob: what nodes did before it existed. Never change a value: hashes of stored configurations
 * rest on it.
 */
export const FORMER_VALUES = Object.freeze({
  'httpd.compression': false,
  'httpd.compressionLevel': 6,
  'jetty.virtualThreads': false,
  'mesh.maxRequestsPerConnection': 0,
  'mesh.outlierConsecutiveErrors': 3,
  'mesh.outlierInterval': 500,
  'mesh.outlierBaseEjection': 2000,
  'mesh.nodeWeighting': 0,
}) satisfies Partial<StackValues>;

const ADDED = Object.keys(FORMER_VALUES) as readonly (keyof typeof FORMER_VALUES & KnobName)[];

/**
 * The values with those of added knobs put in where they are missing. Only absence is filled: a
 * value that is there, however wrong, stays for the validator. What is no object is handed back.
 */
export function withFormerValues(values: unknown): unknown {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return values;
  const missing = ADDED.filter((name) => !Object.hasOwn(values, name));
  // An object without any knob is no old configuration, and its prototype is none of ours to copy.
  if (missing.length === 0 || Object.keys(values).length === 0) return values;
  return { ...values, ...Object.fromEntries(missing.map((name) => [name, FORMER_VALUES[name]])) };
}

/**
 * The values without added knobs that stand where they stood before there were any: the canonical
 * form behind the hash, and what a node agent of an older version still understands.
 */
export function withoutFormerValues(values: StackValues): Partial<StackValues> {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) =>
        !Object.hasOwn(FORMER_VALUES, name) ||
        FORMER_VALUES[name as keyof typeof FORMER_VALUES] !== value,
    ),
  );
}
