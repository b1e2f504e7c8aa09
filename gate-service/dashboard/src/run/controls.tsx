import type { ControlOutcome } from '../api/types.ts';
import { Empty } from '../parts/notice.tsx';
import { Mark } from '../parts/sign.tsx';
import { CONTROLS } from '../text/words.ts';
import type { Sign } from '../text/words.ts';

const PASSED: Sign = { tone: 'good', icon: '✓', word: 'passed' };
const FAILED: Sign = { tone: 'bad', icon: '✗', word: 'failed' };
const NOT_RUN: Sign = { tone: 'open', icon: '·', word: 'not run' };

/** Whether the measurement can be believed: what each control asks, and its answer. */
export function Controls({ controls }: { readonly controls: readonly ControlOutcome[] }) {
  if (controls.length === 0) {
    return (
      <Empty>No control has been run yet: they check the measurement before it is believed.</Empty>
    );
  }
  return (
    <ul class="controls">
      {controls.map((one) => {
        const words = CONTROLS[one.control];
        const sign = one.notRun === true && one.passed ? NOT_RUN : one.passed ? PASSED : FAILED;
        return (
          <li key={one.control}>
            <p>
              <Mark sign={sign} /> <strong>{words?.name ?? one.control}</strong>{' '}
              <span class="quiet">{words?.asks}</span>
            </p>
            <p>{one.sentence}</p>
          </li>
        );
      })}
    </ul>
  );
}
