import type { Run } from '../api/types.ts';
import { Digest } from '../parts/digest.tsx';
import { Instant } from '../parts/instant.tsx';
import { Facts } from '../parts/section.tsx';
import { counted } from '../text/numbers.ts';
import { ConfigurationValues } from './tuning.tsx';

/** Which build, compared with what, on which configuration, for whom. */
export function Details({ run }: { readonly run: Run }) {
  const { baseline, configuration, earlierRuns, startedBy } = run;
  return (
    <>
      <Facts
        of={[
          ['Run', <code key="run">{run.id}</code>],
          ['Build', <Digest key="build" of={run.build} what="build" />],
          [
            'Compared with',
            baseline === undefined ? (
              'nothing yet'
            ) : (
              <span key="baseline">
                {run.against === 'reference' ? 'the reference, ' : 'production, '}
                <Digest of={baseline.build} what="baseline" />
              </span>
            ),
          ],
          [
            'Configuration',
            configuration === undefined ? (
              'not known yet'
            ) : (
              <span key="configuration">
                <Digest of={configuration.hash} what="configuration" />{' '}
                {configuration.adopted ? 'adopted by this run' : 'the one in force'}
              </span>
            ),
          ],
          [
            'Asked for',
            <span key="asked">
              by {run.requestedBy}
              {startedBy !== undefined && ` for ${startedBy}`}, <Instant at={run.createdAt} />
            </span>,
          ],
          [
            'This build',
            earlierRuns === 0
              ? 'was not gated before'
              : `had ${counted(earlierRuns, 'run')} before this one`,
          ],
        ]}
      />
      {configuration !== undefined && <ConfigurationValues values={configuration.values} />}
    </>
  );
}
