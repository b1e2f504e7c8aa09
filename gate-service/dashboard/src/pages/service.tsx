/** One service: what runs where, the one button back, what was decided, how it goes. */
import { useMemo } from 'preact/hooks';
import type { RunInShort, Service } from '../api/types.ts';
import { More } from '../parts/more.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { RunList } from '../parts/run-list.tsx';
import { Section } from '../parts/section.tsx';
import { useTitle } from '../parts/title.ts';
import { History } from '../service/history.tsx';
import { InProduction } from '../service/in-production.tsx';
import type { Labels } from '../service/in-production.tsx';
import { PromotionItem, Promotions } from '../service/promotions.tsx';
import { ReferenceState } from '../service/reference.tsx';
import { ServiceTrend } from '../service/trend.tsx';
import { useTrend } from '../service/use-trend.ts';
import { usePages } from '../state/pages.ts';
import { useResource } from '../state/resource.ts';
import { useSession } from '../state/session.ts';

export function ServicePage({ name }: { readonly name: string }) {
  useTitle(name);
  const service = useResource<Service>(`/v1/services/${name}`, 5_000);
  return (
    <>
      <p class="crumbs">
        <a href="/">services</a>
      </p>
      <h1>{name}</h1>
      <Loaded of={service} lines={12}>
        {(data) => <ServiceBody service={data} done={service.refresh} />}
      </Loaded>
    </>
  );
}

function ServiceBody({ done, service }: { readonly service: Service; readonly done: () => void }) {
  const { me } = useSession();
  const { description, latestRun, name, promotion, rules } = service;
  const trend = useTrend(name, 50);
  const runs = usePages<RunInShort>(`/v1/runs?service=${name}&limit=10`, 10_000);
  const shown = runs.data?.items;
  const labels = useMemo((): Labels => {
    const named = [...(trend.data?.items ?? []), ...(shown ?? [])];
    return new Map(
      named.flatMap(({ build, label }) => (label === undefined ? [] : [[build, label]])),
    );
  }, [trend.data, shown]);
  return (
    <>
      {description !== '' && <p class="quiet">{description}</p>}
      <Section id="production" title="In production">
        <InProduction service={service} labels={labels} me={me} done={done} />
        {promotion !== undefined && (
          <ul class="promotions">
            <PromotionItem promotion={promotion} labels={labels} />
          </ul>
        )}
      </Section>
      <Section
        id="runs"
        title="Runs"
        aside={<a href={`/runs?service=${name}`}>All runs of {name}</a>}
      >
        {latestRun === undefined ? (
          <Empty>
            There is no run yet. A pipeline starts one with{' '}
            <code>speedGate(service: '{name}', build: …)</code>.
          </Empty>
        ) : (
          <Loaded of={runs} lines={8}>
            {({ items }) => (
              <>
                <RunList runs={[...items, ...runs.older]} ofService />
                <More of={runs} />
              </>
            )}
          </Loaded>
        )}
      </Section>
      <Section id="trend" title="Trend">
        <ServiceTrend trend={trend} />
      </Section>
      <Section id="rules" title="What a build must keep">
        <ul class="rules">
          {rules.thresholds.map((threshold) => (
            <li key={threshold}>
              <code>{threshold}</code>
            </li>
          ))}
        </ul>
        <p class="quiet">{RULES[rules.promote]}</p>
      </Section>
      <Section id="reference" title="Reference">
        <ReferenceState service={service} labels={labels} me={me} done={done} />
      </Section>
      <Section id="promotions" title="Promotions">
        <Promotions service={name} labels={labels} />
      </Section>
      <Section id="history" title="What was in production">
        <History service={name} labels={labels} />
      </Section>
    </>
  );
}

const RULES = {
  auto: 'A build that keeps all of it is promoted by its run.',
  manual: 'A build that keeps all of it is promoted by a person.',
  never: 'A build that keeps all of it is not promoted from here.',
} as const;
