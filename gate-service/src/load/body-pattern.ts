/** Body patterns that cannot hang the sender: matched in time linear in the body, whatever the pattern. Pure. */
import { RE2JS } from 're2js';

export interface BodyPattern {
  /** Whether the pattern matches somewhere in the text. */
  test(text: string): boolean;
}

/** Longest pattern, characters: a longer one is no check a person can read. */
const MAX_LENGTH = 1000;
const SPECIAL = /[\\^$.*+?()[\]{}|]/;
/** Without repetition or choice there is nothing to go back to, so that the fast engine is safe. */
const BACKTRACKS = /[*+?{|(]|\\[1-9k]/;

/**
 * What is wrong with a pattern, or undefined. Patterns are JavaScript regular expressions without what
 * needs backtracking (look-around, back-references), as in RE2: Cox, "Regular Expression Matching in the
 * Wild", 2010.
 */
export function bodyPatternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_LENGTH) {
    return `is ${pattern.length} characters long; at most ${MAX_LENGTH} are allowed`;
  }
  try {
    new RegExp(pattern);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  try {
    compileBodyPattern(pattern);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `cannot be matched in linear time (look-around, back-references and counts above 1000 are not available): ${message}`;
  }
  return undefined;
}

/** @throws Error for a pattern in which {@link bodyPatternProblem} finds something wrong */
export function compileBodyPattern(pattern: string): BodyPattern {
  if (!SPECIAL.test(pattern)) return { test: (text) => text.includes(pattern) };
  if (!BACKTRACKS.test(pattern)) return new RegExp(pattern);
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.test(text) };
}
