/** Random search: the start, then legal configurations uniform on each knob's scale. */
import { createRandom } from '../../../../gate-service/src/statistics/random.ts';
import { drawValues } from '../stacks/search-best.ts';
import { bestMeasured } from './best-measured.ts';
import type { Method } from './method.ts';

export const randomSearch: Method = {
  name: 'random',
  anytime: true,
  open: (stack, _budget, seed) => {
    const random = createRandom(seed, 'random search');
    const best = bestMeasured(stack.start);
    let asked = stack.start;
    let first = true;
    return Promise.resolve({
      ask: () => {
        asked = first ? stack.start : drawValues(stack, random);
        first = false;
        return Promise.resolve(asked);
      },
      tell: (told) => {
        best.add(asked, told);
        return Promise.resolve();
      },
      best: () => Promise.resolve(best.values()),
      close: () => Promise.resolve(),
    });
  },
};
