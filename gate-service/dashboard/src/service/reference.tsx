import { useState } from 'preact/hooks';
import { put } from '../api/client.ts';
import type { Me, Reference, Service } from '../api/types.ts';
import { Digest } from '../parts/digest.tsx';
import { Instant } from '../parts/instant.tsx';
import { Empty } from '../parts/notice.tsx';
import { OrderDialog } from '../parts/order-dialog.tsx';
import { namedAs } from '../run/consequences.tsx';
import { can } from '../state/session.ts';
import { short } from '../text/words.ts';
import type { Labels } from './in-production.tsx';
import { requireUnchanged } from './place-back.ts';

interface Properties {
  readonly service: Service;
  readonly labels: Labels;
  readonly me: Me | undefined;
  readonly done: () => void;
}

/** The release that drift is measured against, and how it is moved. */
export function ReferenceState({ done, labels, me, service }: Properties) {
  /** As it was when the button was pressed: what is explained is what is anchored. */
  const [asking, setAsking] = useState<Service>();
  const { inForce, reference } = service;
  const label = reference === undefined ? undefined : labels.get(reference.build);
  const movable = inForce !== undefined && inForce.build !== reference?.build;
  return (
    <>
      {reference === undefined ? (
        <Empty>
          No release is anchored. With one, a run with <code>against: 'reference'</code> shows what
          small steps have added up to.
        </Empty>
      ) : (
        <p>
          {label !== undefined && <strong>{label} </strong>}
          <Digest of={reference.build} what="reference build" /> since <Instant at={reference.at} />
          , anchored by {reference.actor}: {reference.reason}
        </p>
      )}
      {movable && can(me, 'override', service.name) && (
        <p>
          <button
            type="button"
            onClick={() => {
              setAsking(service);
            }}
          >
            Anchor what runs now …
          </button>
        </p>
      )}
      {asking !== undefined && (
        <AnchorDialog
          service={asking}
          labels={labels}
          me={me}
          done={done}
          close={() => {
            setAsking(undefined);
          }}
        />
      )}
    </>
  );
}

function AnchorDialog({ close, done, labels, me, service }: Properties & { close: () => void }) {
  const { inForce, name } = service;
  if (inForce === undefined) return null;
  const { build } = inForce;
  const target = labels.get(build) ?? short(build);
  return (
    <OrderDialog
      title="Move the reference"
      verb={`Anchor ${target}`}
      consequences={[
        <>
          Runs with <code>against: 'reference'</code> compare with <strong>{target}</strong> from
          now on.
        </>,
        'Production and every decision stay as they are; such runs promote nothing.',
        'What has drifted until now is no longer seen: anchor a release that you would ship again.',
        namedAs(me?.name ?? ''),
      ]}
      close={close}
      order={async (reason) => {
        await requireUnchanged(service);
        await put<Reference>(`/v1/services/${name}/reference`, { build, reason });
        done();
      }}
    />
  );
}
