/** Structures in text columns. What is read back was written by this store, so its type is taken as written. */

const NUMBER = '$number';

/** JSON, with infinities and NaN kept: an infinite quantile is evidence, and JSON would make it null. */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_name, field: unknown) =>
    typeof field === 'number' && !Number.isFinite(field) ? { [NUMBER]: String(field) } : field,
  );
}

/** @throws when the text is no JSON: the row was changed by somebody else */
export function decode(text: string): unknown {
  if (!text.includes(NUMBER)) return JSON.parse(text) as unknown;
  return JSON.parse(text, (_name, field: unknown) =>
    typeof field === 'object' && field !== null && NUMBER in field ? Number(field[NUMBER]) : field,
  ) as unknown;
}

/** As {@link encode}, with null for an absent value. */
export function encodeOptional(value: unknown): string | null {
  return value === undefined ? null : encode(value);
}
