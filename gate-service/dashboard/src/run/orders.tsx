/** What a person may order on a run. Everything is explained before it is sent. */
import { useState } from 'preact/hooks';
import { send } from '../api/client.ts';
import type { Me, Promotion, Run, Service } from '../api/types.ts';
import { OrderDialog } from '../parts/order-dialog.tsx';
import { useResource } from '../state/resource.ts';
import { can } from '../state/session.ts';
import { buildName } from '../text/words.ts';
import { consequencesOfOverride, consequencesOfPromotion } from './consequences.tsx';
import { ExpiryField, expiryIn, EXPIRY_HOURS } from './expiry.tsx';

type Open = 'cancel' | 'promote' | 'override-promote' | 'override-rollback';

interface Properties {
  readonly run: Run;
  /** Of the run as it is shown: an order is refused when something has changed since. */
  readonly etag: string | undefined;
  readonly me: Me | undefined;
  readonly done: () => void;
}

export function Orders({ done, etag, me, run }: Properties) {
  const [open, setOpen] = useState<{ readonly what: Open; readonly etag: string | undefined }>();
  const offered = offersFor(run, me);
  if (offered.length === 0) return null;
  const close = (): void => {
    setOpen(undefined);
  };
  return (
    <div class="orders">
      {offered.map(({ label, tone, what }) => (
        <button
          key={what}
          type="button"
          class={tone}
          onClick={() => {
            setOpen({ what, etag });
          }}
        >
          {label} …
        </button>
      ))}
      {isOwn(run, me) && offered.some(({ what }) => what.startsWith('override')) && (
        <p class="quiet">
          You asked for this run: an override takes somebody else. The service will refuse yours.
        </p>
      )}
      {open?.what === 'cancel' && <CancelDialog run={run} close={close} done={done} />}
      {open?.what === 'promote' && <PromotionDialog run={run} me={me} close={close} done={done} />}
      {(open?.what === 'override-promote' || open?.what === 'override-rollback') && (
        <OverrideDialog
          order={open.what === 'override-promote' ? 'promote' : 'rollback'}
          etag={open.etag}
          run={run}
          me={me}
          close={close}
          done={done}
        />
      )}
    </div>
  );
}

interface DialogProperties {
  readonly run: Run;
  readonly me: Me | undefined;
  readonly close: () => void;
  readonly done: () => void;
}

/** Asked anew by each dialog that is opened: an answer from before would explain what was. */
const useServiceOf = (run: Run) => useResource<Service>(`/v1/services/${run.service}`);

function PromotionDialog({ close, done, me, run }: DialogProperties) {
  const service = useServiceOf(run);
  return (
    <OrderDialog
      title={`Promote ${buildName(run)}`}
      verb={`Promote ${buildName(run)}`}
      consequences={consequencesOfPromotion({ run, service: service.data, me: me?.name ?? '' })}
      needs={service}
      close={close}
      order={async (reason) => {
        await send<Promotion>(`/v1/services/${run.service}/promotions`, {
          build: run.build,
          configuration: run.configuration?.hash,
          reason,
        });
        done();
      }}
    />
  );
}

function CancelDialog({ close, done, run }: Omit<DialogProperties, 'me'>) {
  return (
    <OrderDialog
      title="Cancel this run"
      verb="Cancel the run"
      grave
      askReason={false}
      consequences={[
        'The run ends in rollback with the cause “cancelled”: nothing was said about the build.',
        'Staging is cleared. A promotion that the run has begun goes back; production stays as it was.',
        'You will be named in the audit.',
      ]}
      close={close}
      order={async () => {
        await send<Run>(`/v1/runs/${run.id}/cancel`, {});
        done();
      }}
    />
  );
}

function OverrideDialog({
  close,
  done,
  etag,
  me,
  order,
  run,
}: DialogProperties & {
  readonly order: 'promote' | 'rollback';
  readonly etag: string | undefined;
}) {
  const [hours, setHours] = useState<number>(EXPIRY_HOURS[1]);
  const service = useServiceOf(run);
  const verb =
    order === 'promote' ? `Promote ${buildName(run)} all the same` : `Roll ${buildName(run)} back`;
  return (
    <OrderDialog
      title={`Override: ${order}`}
      verb={verb}
      grave
      consequences={consequencesOfOverride(order, {
        run,
        service: service.data,
        me: me?.name ?? '',
      })}
      needs={service}
      fields={<ExpiryField hours={hours} onChange={setHours} />}
      close={close}
      order={async (reason) => {
        const body = { order, reason, expiresAt: expiryIn(hours) };
        await send<Run>(`/v1/runs/${run.id}/override`, body, etag);
        done();
      }}
    />
  );
}

interface Offer {
  readonly what: Open;
  readonly label: string;
  readonly tone: string;
}

/** What makes sense now and may be ordered by this person. */
export function offersFor(run: Run, me: Me | undefined): readonly Offer[] {
  const { cancel, decision, service } = run;
  const offers: (Offer | false)[] = [
    run.phase !== 'finished' &&
      cancel === undefined &&
      can(me, 'run', service) && { what: 'cancel', label: 'Cancel', tone: '' },
    decision === 'pass' &&
      run.against === 'production' &&
      run.configuration !== undefined &&
      run.promotion?.state !== 'running' &&
      can(me, 'promote', service) && { what: 'promote', label: 'Promote', tone: 'primary' },
    (decision === undefined || decision === 'rollback') &&
      run.against === 'production' &&
      can(me, 'override', service) && {
        what: 'override-promote',
        label: 'Override: promote',
        tone: '',
      },
    decision !== 'rollback' &&
      can(me, 'override', service) && {
        what: 'override-rollback',
        label: 'Override: roll back',
        tone: '',
      },
  ];
  return offers.filter((offer) => offer !== false);
}

/** Nobody approves what was asked for by himself; the service has the last word. */
function isOwn(run: Run, me: Me | undefined): boolean {
  const name = me?.name.toLowerCase();
  return [run.requestedBy, run.startedBy].some((own) => own?.toLowerCase() === name);
}
