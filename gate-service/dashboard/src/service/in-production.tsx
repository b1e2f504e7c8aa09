/** What runs where, since when and by whom; and the one button back. */
import { useState } from 'preact/hooks';
import { send } from '../api/client.ts';
import type {
  InForce,
  Me,
  Promotion,
  Service,
  ServiceConfiguration,
  Values,
} from '../api/types.ts';
import { Digest } from '../parts/digest.tsx';
import { Instant } from '../parts/instant.tsx';
import { Empty } from '../parts/notice.tsx';
import { OrderDialog } from '../parts/order-dialog.tsx';
import { Facts } from '../parts/section.tsx';
import { namedAs } from '../run/consequences.tsx';
import { ConfigurationValues } from '../run/tuning.tsx';
import { useResource } from '../state/resource.ts';
import { can } from '../state/session.ts';
import { short } from '../text/words.ts';
import { placeBack, requireUnchanged } from './place-back.ts';

export type Labels = ReadonlyMap<string, string>;

interface Properties {
  readonly service: Service;
  readonly labels: Labels;
  readonly me: Me | undefined;
  readonly done: () => void;
}

export function InProduction({ done, labels, me, service }: Properties) {
  const { inForce, lastKnownGood, promotion } = service;
  const configuration = useResource<ServiceConfiguration>(
    `/v1/services/${service.name}/configuration`,
    60_000,
  ).data;
  /** As it was when the button was pressed: what is explained is what is ordered. */
  const [asking, setAsking] = useState<Service>();
  if (inForce === undefined) {
    return (
      <Empty>
        Nothing is in production yet. A first build comes there with{' '}
        <code>speed-gate serve --production {service.name}=FILE</code>, or by a promotion.
      </Empty>
    );
  }
  const back = placeBack(service);
  const busy = promotion !== undefined;
  return (
    <div class="production">
      <div class="card now">
        <h3>Now</h3>
        <State of={inForce} labels={labels} values={configuration?.inForce?.values} />
      </div>
      <div class="card">
        <h3>Last known good</h3>
        {back === undefined ? (
          <Empty>
            {lastKnownGood === undefined
              ? 'Nothing was in production before: there is nothing to go back to.'
              : 'Production runs the last known good.'}
          </Empty>
        ) : (
          <>
            <State of={back} labels={labels} values={configuration?.lastKnownGood?.values} />
            {can(me, 'promote', service.name) && (
              <p>
                <button
                  type="button"
                  class="grave"
                  disabled={busy}
                  onClick={() => {
                    setAsking(service);
                  }}
                >
                  <span aria-hidden="true">↩ </span>Go back to {nameOf(back, labels)} …
                </button>
                {busy && (
                  <span class="quiet">
                    {' '}
                    A promotion is under way: wait for its end, or see below.
                  </span>
                )}
              </p>
            )}
          </>
        )}
      </div>
      {asking !== undefined && (
        <BackDialog
          service={asking}
          labels={labels}
          me={me}
          done={done}
          close={() => {
            setAsking(undefined);
          }}
        />
      )}
    </div>
  );
}

function BackDialog({ close, done, labels, me, service }: Properties & { close: () => void }) {
  const { inForce, name } = service;
  const back = placeBack(service);
  if (inForce === undefined || back === undefined) return null;
  const target = nameOf(back, labels);
  return (
    <OrderDialog
      title={`Go back to ${target}`}
      verb={`Restore ${target}`}
      grave
      consequences={[
        <>
          Production of {name} goes from <strong>{nameOf(inForce, labels)}</strong> back to{' '}
          <strong>{target}</strong>, build and configuration as they were.
        </>,
        'New nodes are brought up and warmed; then traffic moves by weights 1 → 5 → 25 → 50 → 100 %, each step watched. Until then production stays as it is.',
        `What runs now (${nameOf(inForce, labels)}) is no place to go back to afterwards; bring it back by promoting it from its run.`,
        namedAs(me?.name ?? ''),
      ]}
      close={close}
      order={async (reason) => {
        await requireUnchanged(service);
        await send<Promotion>(`/v1/services/${name}/promotions`, {
          build: back.build,
          configuration: back.configurationHash,
          reason,
        });
        done();
      }}
    />
  );
}

const nameOf = ({ build }: InForce, labels: Labels): string => labels.get(build) ?? short(build);

function State({
  labels,
  of,
  values,
}: {
  readonly of: InForce;
  readonly labels: Labels;
  readonly values: Values | undefined;
}) {
  const promotion = useResource<Promotion>(`/v1/promotions/${of.promotionId}`);
  const known = promotion.data;
  return (
    <>
      <p class="build-name">{nameOf(of, labels)}</p>
      <Facts
        of={[
          ['Build', <Digest key="build" of={of.build} what="build" />],
          [
            'Configuration',
            <Digest key="configuration" of={of.configurationHash} what="configuration" />,
          ],
          ['Since', <Instant key="since" at={of.since} />],
          ['By', known === undefined ? ' ' : <By key="by" promotion={known} />],
        ]}
      />
      {values !== undefined && <ConfigurationValues values={values} />}
    </>
  );
}

const ORIGINS: Readonly<Record<Promotion['origin'], string>> = {
  run: 'its run',
  person: 'a person',
  restore: 'going back',
  controller: 'the controller',
  initial: 'the first start',
};

function By({ promotion }: { readonly promotion: Promotion }) {
  const { actor, origin, reason, runId } = promotion;
  return (
    <>
      {actor}
      {runId === undefined ? (
        `, ${ORIGINS[origin]}`
      ) : (
        <>
          , <a href={`/runs/${runId}`}>{ORIGINS[origin]}</a>
        </>
      )}
      {reason !== '' && <span class="quiet"> – {reason}</span>}
    </>
  );
}
