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
        {copied ? '✓' : <CopyIcon />}
      </button>
    </span>
  );
}

function CopyIcon() {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" class="copy-icon">
      <rect x="1.5" y="1.5" width="8" height="8" rx="1.5" />
      <path d="M4.5 12.5h6a2 2 0 0 0 2-2v-6" />
    </svg>
  );
}
