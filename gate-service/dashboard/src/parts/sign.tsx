import type { Sign } from '../text/words.ts';

/** Word, icon and colour together; the icon is for eyes only, the word is read out. */
export function Mark({ sign, note }: { readonly sign: Sign; readonly note?: string }) {
  return (
    <span class={`mark ${sign.tone}`}>
      <span class="icon" aria-hidden="true">
        {sign.icon}
      </span>
      {sign.word}
      {note !== undefined && <span class="note"> {note}</span>}
    </span>
  );
}
