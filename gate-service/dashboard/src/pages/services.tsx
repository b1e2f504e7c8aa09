import { useState } from 'preact/hooks';
import type { Problem } from '../api/problem.ts';
import type { Page, QueueEntry, RunInShort, Service, TrendPoint } from '../api/types.ts';
import { Sparkline } from '../charts/sparkline.tsx';
import { closestThreshold, trendOf } from '../charts/trend-data.ts';
import { Instant } from '../parts/instant.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { Mark } from '../parts/sign.tsx';
import { useTitle } from '../parts/title.ts';
import { useTrend } from '../service/use-trend.ts';
import { useResource } from '../state/resource.ts';
import { counted } from '../text/numbers.ts';
import { buildName, causeInWords, short, signOf, signOfRun } from '../text/words.ts';

/** Above so many services one wants to search. */
const MANY = 8;

export function ServicesPage() {
  useTitle('Services');
  const services = useResource<Page<Service>>('/v1/services', 10_000);
  const queue = useResource<Page<QueueEntry>>('/v1/queue', 10_000);
  const [wanted, setWanted] = useState('');
  return (
    <>
      <header class="page-head">
        <h1>Services</h1>
        {(services.data?.items.length ?? 0) > MANY && (
          <input
            type="search"
            aria-label="Only services whose name contains"
            placeholder="Search"
            value={wanted}
            onInput={(event) => {
              setWanted(event.currentTarget.value);
            }}
          />
        )}
      </header>
      <Loaded of={services} lines={8}>
        {({ items }) => (
          <>
            {items.length === 0 && (
              <Empty>
                You may not read any service here, or the catalogue has none. The service is started
                with <code>SPEED_GATE_CATALOGUE</code>.
              </Empty>
            )}
            <ul class="services">
              {items
                .filter(({ name }) => name.includes(wanted.trim().toLowerCase()))
                .map((service) => (
                  <ServiceCard
                    key={service.name}
                    service={service}
                    queue={(queue.data?.items ?? []).filter((run) => run.service === service.name)}
                  />
                ))}
            </ul>
          </>
        )}
      </Loaded>
    </>
  );
}

function ServiceCard({
  queue,
  service,
}: {
  readonly service: Service;
  readonly queue: readonly QueueEntry[];
}) {
  const { description, inForce, latestRun, name, promotion } = service;
  const trend = useTrend(name, 20);
  const points = trend.data?.items ?? [];
  const label = points.find(({ build }) => build === inForce?.build)?.label;
  const waiting = queue.filter(({ phase }) => phase === 'queued').length;
  return (
    <li class="card service">
      <div class="service-name">
        <h2>
          <a href={`/services/${name}`}>{name}</a>
        </h2>
        {description !== '' && <p class="quiet">{description}</p>}
      </div>
      <div class="service-verdict">
        {latestRun === undefined ? (
          <p class="quiet">
            Nothing was gated yet. A pipeline does it with <code>speedGate(…)</code>.
          </p>
        ) : (
          <LatestRun run={latestRun} before={points[0]} />
        )}
      </div>
      {latestRun !== undefined && <ServiceTrend points={points} problem={trend.problem} />}
      <p class="service-state">
        {inForce === undefined ? (
          <span>Nothing is in production yet.</span>
        ) : (
          <span>
            In production:{' '}
            {label === undefined ? (
              <code title={inForce.build}>{short(inForce.build)}</code>
            ) : (
              <strong title={inForce.build}>{label}</strong>
            )}{' '}
            since <Instant at={inForce.since} />
          </span>
        )}
        {promotion !== undefined && (
          <Mark sign={signOf(promotion.state)} note={`a promotion, ${promotion.stage}`} />
        )}
        {waiting > 0 && (
          <a href="/queue">{counted(waiting, 'run waits', 'runs wait')} in the queue</a>
        )}
      </p>
    </li>
  );
}

function LatestRun({
  before,
  run,
}: {
  readonly run: RunInShort;
  readonly before: TrendPoint | undefined;
}) {
  return (
    <>
      <p class="verdict-line">
        <Mark sign={signOfRun(run)} {...(run.cause !== undefined && { note: run.cause })} />
        <a href={`/runs/${run.id}`}>{buildName(run)}</a>
        <span class="quiet">
          <Instant at={run.createdAt} as="ago" />
        </span>
      </p>
      {run.decision === undefined ? (
        <Verdict before={before} />
      ) : (
        <p class="quiet clamp">{run.summary ?? `${causeInWords(run.cause ?? '')}.`}</p>
      )}
    </>
  );
}

/** While a run is under way: what was decided last. */
function Verdict({ before }: { readonly before: TrendPoint | undefined }) {
  if (before === undefined) return <p class="quiet">Nothing was decided before.</p>;
  return (
    <p class="verdict-line">
      <span class="quiet">Before it:</span>
      <Mark sign={signOf(before.decision)} note={before.cause} />
      <a href={`/runs/${before.runId}`}>{buildName(before)}</a>
      <span class="quiet">
        <Instant at={before.finishedAt} as="ago" />
      </span>
    </p>
  );
}

function ServiceTrend({
  points,
  problem,
}: {
  readonly points: readonly TrendPoint[];
  readonly problem: Problem | undefined;
}) {
  const threshold = closestThreshold(points);
  const trend = threshold === undefined ? undefined : trendOf(points, threshold);
  return (
    <div class="service-trend">
      {trend !== undefined && (
        <>
          <Sparkline trend={trend} />
          <code class="quiet">{trend.threshold}</code>
        </>
      )}
      {problem !== undefined && <span class="quiet">The trend could not be had.</span>}
    </div>
  );
}
