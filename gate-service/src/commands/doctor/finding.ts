/** What a check found: a line for a person, with what to do where something has to be done. */

export type FindingStatus = 'ok' | 'warning' | 'problem';

export interface Finding {
  readonly area: string;
  readonly status: FindingStatus;
  readonly words: string;
  /** Absent where nothing has to be done. */
  readonly remedy?: string;
}

export interface Area {
  ok(words: string): Finding;
  warning(words: string, remedy: string): Finding;
  problem(words: string, remedy: string): Finding;
}

export function areaOf(area: string): Area {
  return {
    ok: (words) => ({ area, status: 'ok', words }),
    warning: (words, remedy) => ({ area, status: 'warning', words, remedy }),
    problem: (words, remedy) => ({ area, status: 'problem', words, remedy }),
  };
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
