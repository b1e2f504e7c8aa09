/** What an order will lead to, in words, before it is given. */
import type { ComponentChildren } from 'preact';
import type { Run, Service } from '../api/types.ts';
import type { BuildAndConfiguration } from '../service/place-back.ts';
import { isSame, placeBack } from '../service/place-back.ts';
import { buildName, causeInWords, runName, short } from '../text/words.ts';

interface Known {
  readonly run: Run;
  /** Absent until it was answered. */
  readonly service: Service | undefined;
  /** Who will be named. */
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
    staysOf(service, run.configuration && { ...run, configurationHash: run.configuration.hash }),
    service?.rules.fourEyes === true
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
  if (service === undefined) return [NOT_KNOWN];
  const { inForce } = service;
  if (inForce?.build !== run.build || inForce.since <= run.createdAt) {
    return [
      'Nothing of this run is in production: the order changes nothing there, and stands beside the decision.',
    ];
  }
  const back = placeBack(service);
  if (back === undefined) {
    return [
      `Production runs ${buildName(run)}, and there is nothing to go back to: the service will refuse the order.`,
    ];
  }
  return [
    <>
      Production goes back from {buildName(run)} to the last known good build{' '}
      <code>{short(back.build)}</code> with its configuration, {WEIGHTS}.
    </>,
    'Where another run brought the same build there, nothing moves, and the order stands beside the decision.',
  ];
}

/** Without an answer nothing is said to stay or to happen. */
const NOT_KNOWN =
  'What production runs now is not known: nothing can be ordered before the service has said it.';

function staysOf(service: Service | undefined, wanted?: BuildAndConfiguration): ComponentChildren {
  if (service === undefined) return NOT_KNOWN;
  const { inForce, lastKnownGood } = service;
  if (inForce === undefined) return 'Nothing is in production yet.';
  // As the service takes it: what was there before is restored, and what it replaces is not kept.
  const restores =
    wanted !== undefined && (isSame(wanted, inForce) || isSame(wanted, lastKnownGood));
  return (
    <>
      What production runs now, <code>{short(inForce.build)}</code>, keeps its nodes until the new
      ones have held 100 %, and is {restores ? 'no place to go back to' : 'the last known good'}{' '}
      afterwards.
    </>
  );
}

export function namedAs(me: string): string {
  return `You will be named in the audit as ${me}, with your reason.`;
}
