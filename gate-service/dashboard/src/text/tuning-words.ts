/** Words and signs of tuning. */
import type { Tuning, TuningEvaluation, TuningVerdict } from '../api/types.ts';
import type { Sign } from './words.ts';

/** Who proposed a challenger. */
export const SOURCES: Readonly<Record<TuningEvaluation['source'], string>> = {
  expert: 'proposed by the expert rules',
  policy: 'proposed by the policy, which learns what helps when',
  critic: 'proposed by the critics, which estimate what was not measured',
  memory: 'proposed by the memory of former runs',
  rerun: 'measured once more',
};

const VERDICTS: Readonly<Record<TuningVerdict, Sign>> = {
  'under-way': { tone: 'busy', icon: '…', word: 'is being measured' },
  adopted: { tone: 'good', icon: '✓', word: 'adopted' },
  rejected: { tone: 'open', icon: '·', word: 'not adopted' },
  unsafe: { tone: 'bad', icon: '✗', word: 'unsafe' },
  dropped: { tone: 'open', icon: '!', word: 'not measured' },
  reverted: { tone: 'bad', icon: '↩', word: 'adopted, then given up' },
};

const OUTCOMES: Readonly<Record<Tuning['outcome'], Sign>> = {
  skipped: { tone: 'open', icon: '↷', word: 'nothing tried' },
  'under-way': { tone: 'busy', icon: '…', word: 'under way' },
  kept: { tone: 'open', icon: '·', word: 'nothing changed' },
  adopted: { tone: 'busy', icon: '…', word: 'adopted, to be confirmed' },
  confirmed: { tone: 'good', icon: '✓', word: 'confirmed' },
  reverted: { tone: 'bad', icon: '↩', word: 'not confirmed' },
  'broken-off': { tone: 'open', icon: '!', word: 'broken off' },
};

export const tuningVerdictSign = (verdict: TuningVerdict): Sign => VERDICTS[verdict];
export const tuningOutcomeSign = (outcome: Tuning['outcome']): Sign => OUTCOMES[outcome];
