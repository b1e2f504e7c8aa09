/** A full, validated assignment of all knobs. The only way to one is the validator (invariant 7). */
export interface StackConfiguration {
  readonly values: Readonly<Record<string, number | boolean | string>>;
  /** SHA-256 over the canonical JSON of `values`, lower-case hex. */
  readonly hash: string;
}
