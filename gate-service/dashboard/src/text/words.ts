/** The design's words with their signs: a colour is never the only difference. */
import type { Run } from '../api/types.ts';

export type Tone = 'good' | 'bad' | 'open' | 'busy';

export interface Sign {
  readonly tone: Tone;
  readonly icon: string;
  readonly word: string;
}

const SIGNS: Readonly<Record<string, Sign>> = {
  met: { tone: 'good', icon: '✓', word: 'met' },
  breached: { tone: 'bad', icon: '✗', word: 'breached' },
  inconclusive: { tone: 'open', icon: '?', word: 'inconclusive' },
  invalid: { tone: 'open', icon: '!', word: 'invalid' },
  pass: { tone: 'good', icon: '✓', word: 'pass' },
  promote: { tone: 'good', icon: '⇧', word: 'promote' },
  rollback: { tone: 'bad', icon: '✗', word: 'rollback' },
  held: { tone: 'good', icon: '✓', word: 'held' },
  skipped: { tone: 'open', icon: '↷', word: 'skipped' },
  'no-data': { tone: 'bad', icon: '✗', word: 'no data' },
  completed: { tone: 'good', icon: '✓', word: 'completed' },
  returned: { tone: 'bad', icon: '↩', word: 'traffic went back' },
  failed: { tone: 'bad', icon: '✗', word: 'failed' },
  running: { tone: 'busy', icon: '…', word: 'running' },
  waiting: { tone: 'busy', icon: '…', word: 'waits for the run to end' },
  acted: { tone: 'good', icon: '✓', word: 'acted' },
  refused: { tone: 'bad', icon: '✗', word: 'refused' },
  expired: { tone: 'open', icon: '!', word: 'expired' },
  stands: { tone: 'open', icon: '·', word: 'stands beside the decision' },
};

export function signOf(word: string): Sign {
  return SIGNS[word] ?? { tone: 'open', icon: '·', word };
}

/** The decision, or the phase while there is none. */
export function signOfRun(run: Pick<Run, 'decision' | 'phase'>): Sign {
  if (run.decision !== undefined) return signOf(run.decision);
  return { tone: 'busy', icon: '…', word: run.phase };
}

/** What each cause of a decision means. */
export const CAUSES: Readonly<Record<string, string>> = {
  met: 'every threshold was met',
  breached: 'a threshold was provably missed',
  inconclusive: 'neither shown nor refuted in the time there was',
  invalid: 'the measurement was not sound: no word against the build',
  'promotion-breached': 'it went wrong in production, and traffic went back',
  'platform-failed': 'the platform could not carry it out',
  cancelled: 'somebody cancelled it',
  superseded: 'a newer run took its place',
};

export function causeInWords(cause: string): string {
  return CAUSES[cause] ?? cause;
}

/** What each control checks, and what it is called. */
export const CONTROLS: Readonly<Record<string, { readonly name: string; readonly asks: string }>> =
  {
    'same-build': {
      name: 'A/A',
      asks: 'Does the baseline, split at random, agree with itself?',
    },
    nodes: { name: 'Nodes', asks: 'Do the nodes of one arm agree with each other?' },
    planted: { name: 'Planted delay', asks: 'Is a real delay, put in on purpose, found?' },
    sender: { name: 'Sender', asks: 'Did the sender keep its times?' },
    counts: { name: 'Counts', asks: 'Was every request answered where it was sent?' },
    steady: { name: 'Steady', asks: 'Was it warm, without requests piling up?' },
  };

export const short = (digest: string): string => digest.slice(0, 12);
export const buildName = (run: Pick<Run, 'build' | 'label'>): string =>
  run.label ?? short(run.build);
export const runName = (run: Pick<Run, 'service' | 'build' | 'label'>): string =>
  `${run.service} ${buildName(run)}`;

/** As a sentence that stands alone: a capital at its beginning, a mark at its end. */
export function sentenceOf(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
