/** Before something is ordered: what will happen, in words; then a reason; then the button. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import type { Resource } from '../state/resource.ts';
import { ProblemNotice } from './notice.tsx';

/** As the API demands it. */
export const SHORTEST_REASON = 10;

interface Properties {
  readonly title: string;
  /** What the button says, e.g. `Restore 1.2`. */
  readonly verb: string;
  readonly grave?: boolean;
  /** What will happen, what stays, who will be named. */
  readonly consequences: readonly ComponentChildren[];
  /** What the consequences rest on: nothing is ordered before it is known. */
  readonly needs?: Resource<unknown>;
  /** More to fill in, above the reason. */
  readonly fields?: ComponentChildren;
  /** Without it no reason is asked for. */
  readonly askReason?: boolean;
  /** Carries it out. What it throws is shown, and the dialog stays open. */
  readonly order: (reason: string) => Promise<void>;
  readonly close: () => void;
}

/** A modal dialog: focus stays in it, Escape leaves it, and focus returns to what opened it. */
export function OrderDialog(properties: Properties) {
  const {
    askReason = true,
    close,
    consequences,
    fields,
    grave = false,
    needs,
    order,
    title,
    verb,
  } = properties;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const missing = SHORTEST_REASON - reason.trim().length;
  const unknown = needs !== undefined && needs.data === undefined;
  const ready = !busy && !unknown && (!askReason || missing <= 0);

  // In the same breath as the page changes: an effect would come after the next frame, and keys pressed until then
  // would go to the page behind, or to nothing.
  useLayoutEffect(() => {
    const own = dialog.current;
    const opener = document.activeElement;
    own?.showModal();
    return () => {
      own?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);

  const carryOut = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      await order(reason.trim());
      close();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };

  return (
    <dialog
      ref={dialog}
      class="order"
      aria-labelledby={`${id}-title`}
      onCancel={(event) => {
        event.preventDefault();
        if (!busy) close();
      }}
      onClose={(event) => {
        // Browsers let nobody be held: a second Escape closes it whatever `cancel` said. What was sent is waited for.
        if (busy && event.currentTarget.isConnected) event.currentTarget.showModal();
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void carryOut();
        }}
      >
        <h2 id={`${id}-title`}>{title}</h2>
        <ul class="consequences">
          {consequences.map((one, index) => (
            <li key={index}>{one}</li>
          ))}
        </ul>
        {fields}
        {askReason && (
          <div class="field">
            <label for={`${id}-reason`}>Reason, for the audit</label>
            <textarea
              id={`${id}-reason`}
              rows={3}
              required
              minLength={SHORTEST_REASON}
              maxLength={2000}
              aria-describedby={`${id}-hint`}
              value={reason}
              onInput={(event) => {
                setReason(event.currentTarget.value);
              }}
            />
            <p class="hint" id={`${id}-hint`}>
              {missing > 0
                ? `At least ${SHORTEST_REASON} characters; ${missing} to go.`
                : 'It is kept with your name and cannot be changed.'}
            </p>
          </div>
        )}
        {unknown && needs.problem !== undefined && (
          <ProblemNotice problem={needs.problem} retry={needs.refresh} />
        )}
        {problem !== undefined && <ProblemNotice problem={problem} />}
        <div class="buttons">
          <button type="button" disabled={busy} onClick={close}>
            Leave it as it is
          </button>
          <button class={grave ? 'grave' : 'primary'} disabled={!ready}>
            {busy ? 'Sending …' : verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}
