/** What an order will lead to, in words, before it is given. */
import type { ComponentChildren } from 'preact';
import type { Run, Service } from '../api/types.ts';
import { buildName, causeInWords, runName, short } from '../text/words.ts';

interface Known {
  readonly run: Run;
  /** Absent until it was answered. */
  readonly service: Service | undefined;
  /** Who will be named; empty when the service does not say. */
  readonly me: string;
}

const WEIGHTS =
  'by weights 1 → 5 → 25 → 50 → 100 %, each step watched; a breach leads the traffic back by itself';

export function consequencesOfPromotion({ me, run, service }: Known): readonly ComponentChildren[] {
  return [
    <>
      <strong>{runName(run)}</strong> goes into production with the configuration it was judged on (
      <code>{short(run.configuration?.hash ?? '')}</code>), {WEIGHTS}.
    </>,
    staysOf(service),
    service?.rules?.fourEyes === true
      ? 'This service asks for four eyes: whoever asked for the run cannot promote it.'
      : 'The decision stays “pass”; the promotion stands beside it.',
    namedAs(me),
  ];
}

export function consequencesOfOverride(
  order: 'promote' | 'rollback',
  { me, run, service }: Known,
): readonly ComponentChildren[] {
  return [
    ...(order === 'promote' ? promoteWords(run, service) : rollbackWords(run, service)),
    run.decision === undefined
      ? 'The run goes on to its decision. The order acts right after it, if it has not expired by then.'
      : `The decision stays “${run.decision} (${run.cause ?? ''})”; the order stands beside it, in the audit and in every document of the run.`,
    namedAs(me),
  ];
}

function promoteWords(run: Run, service: Service | undefined): readonly ComponentChildren[] {
  const { cause } = run;
  return [
    <>
      <strong>{runName(run)}</strong> goes into production
      {cause !== undefined && cause !== 'met' && (
        <>
          {' '}
          <strong>although the run ended as {cause}</strong> ({causeInWords(cause)})
        </>
      )}
      , {WEIGHTS}.
    </>,
    staysOf(service),
  ];
}

function rollbackWords(run: Run, service: Service | undefined): readonly ComponentChildren[] {
  if (run.decision === undefined) {
    return [<>If this run brings {buildName(run)} into production, it is taken back again.</>];
  }
  const back = service?.lastKnownGood;
  if (service?.inForce?.build !== run.build || back === undefined) {
    return [
      'Nothing of this run is in production: the order changes nothing there, and stands beside the decision.',
    ];
  }
  return [
    <>
      Production goes back from {buildName(run)} to the last known good build{' '}
      <code>{short(back.build)}</code> with its configuration, {WEIGHTS}.
    </>,
  ];
}

export function staysOf(service: Service | undefined): ComponentChildren {
  if (service === undefined) {
    return 'What production runs now keeps its nodes until the new ones have held 100 %.';
  }
  if (service.inForce === undefined) return 'Nothing is in production yet.';
  return (
    <>
      What production runs now, <code>{short(service.inForce.build)}</code>, keeps its nodes until
      the new ones have held 100 %, and is the last known good afterwards.
    </>
  );
}

export function namedAs(me: string): string {
  return me === ''
    ? 'You will be named in the audit, with your reason.'
    : `You will be named in the audit as ${me}, with your reason.`;
}
