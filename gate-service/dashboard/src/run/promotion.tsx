import type { PromotionInShort, RunEvent } from '../api/types.ts';
import { Mark } from '../parts/sign.tsx';
import { Weights } from '../parts/weights.tsx';
import { signOf } from '../text/words.ts';

interface Properties {
  readonly promotion: PromotionInShort;
  readonly events: readonly RunEvent[];
}

/** How production moves, or moved, to the judged build. */
export function PromotionState({ events, promotion }: Properties) {
  const running = promotion.state === 'running';
  const own = events.filter(
    ({ data, type }) => type === 'promotion' && data.promotion === promotion.id,
  );
  const last = own.at(-1);
  return (
    <>
      <p>
        <Mark sign={signOf(promotion.state)} />{' '}
        {promotion.summary ?? (running ? last?.message : undefined)}
      </p>
      <Weights
        steps={promotion.steps}
        running={running}
        now={running ? weightOf(own) : undefined}
      />
    </>
  );
}

function weightOf(events: readonly RunEvent[]): number | undefined {
  const last = events.findLast(({ data }) => data.weight !== undefined);
  const weight = last?.data.weight;
  return typeof weight === 'number' && last?.data.outcome === undefined ? weight : undefined;
}
