/** Which page belongs to which address. */
import type { ComponentChildren } from 'preact';
import { useTitle } from '../parts/title.ts';
import { AuditPage } from './audit.tsx';
import { QueuePage } from './queue.tsx';
import { RunPage } from './run.tsx';
import { RunsPage } from './runs.tsx';
import { ServicePage } from './service.tsx';
import { ServicesPage } from './services.tsx';

type Route = readonly [pattern: RegExp, page: (id: string) => ComponentChildren];

const ROUTES: readonly Route[] = [
  [/^\/(?:services)?$/, () => <ServicesPage />],
  [/^\/services\/([a-z0-9-]+)$/, (name) => <ServicePage key={name} name={name} />],
  [/^\/runs$/, () => <RunsPage />],
  [/^\/runs\/([A-Za-z0-9_-]+)$/, (id) => <RunPage key={id} id={id} />],
  [/^\/queue$/, () => <QueuePage />],
  [/^\/audit$/, () => <AuditPage />],
];

export function pageFor(path: string): ComponentChildren {
  const plain = path.length > 1 ? path.replace(/\/$/, '') : path;
  for (const [pattern, page] of ROUTES) {
    const found = pattern.exec(plain);
    if (found !== null) return page(found[1] ?? '');
  }
  return <UnknownPage path={path} />;
}

function UnknownPage({ path }: { readonly path: string }) {
  useTitle('No such page');
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        Nothing is at <code>{path}</code>. <a href="/">All services</a> are a good place to go on.
      </p>
    </>
  );
}
