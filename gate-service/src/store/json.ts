/** Structures in text columns. What is read back was written by this store, so its type is taken as written. */

export function encode(value: unknown): string {
  return JSON.stringify(value);
}

/** @throws when the text is no JSON: the row was changed by somebody else */
export function decode(text: string): unknown {
  return JSON.parse(text) as unknown;
}

/** As {@link encode}, with null for an absent value. */
export function encodeOptional(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

type Present<T> = { [K in keyof T as null extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as null extends T[K] ? K : never]?: NonNullable<T[K]>;
};

/** The object without its null fields: absent in a record is null in a row. */
export function withoutNulls<T extends object>(row: T): Present<T> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null),
  ) as Present<T>;
}
