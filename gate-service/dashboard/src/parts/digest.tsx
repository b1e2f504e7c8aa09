import { useState } from 'preact/hooks';
import { short } from '../text/words.ts';

/** The beginning of a hash, all of it in the title, and a button that copies it. */
export function Digest({ of, what }: { readonly of: string; readonly what: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(of);
    setCopied(true);
    setTimeout(() => {
      setCopied(false);
    }, 2000);
  };
  return (
    <span class="digest">
      <code title={of}>{short(of)}</code>
      <button
        type="button"
        class="copy"
        aria-label={`Copy the ${what} ${short(of)}`}
        title={`Copy the ${what}`}
        onClick={() => {
          copy().catch(() => undefined);
        }}
      >
        {copied ? '✓' : '⧉'}
      </button>
    </span>
  );
}
