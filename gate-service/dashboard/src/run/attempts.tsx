import type { Attempt, Hops } from '../api/types.ts';
import { Mark } from '../parts/sign.tsx';
import { signOf } from '../text/words.ts';

/** Every attempt at measuring, also those that did not count. */
export function Attempts({ attempts }: { readonly attempts: readonly Attempt[] }) {
  return (
    <ol class="attempts">
      {attempts.map(({ hops, judgement, number, purpose, sentence }) => (
        <li key={number} value={number}>
          <p>
            <span class="quiet">{purpose}</span>{' '}
            {judgement !== undefined && <Mark sign={signOf(judgement.cause)} />}
          </p>
          <p>{sentence}</p>
          {judgement !== undefined && (
            <p class="quiet">
              {judgement.windows.counted} of {judgement.windows.planned} windows count,{' '}
              {judgement.windows.dropped} were spoilt.
            </p>
          )}
          {Object.keys(hops ?? {}).length > 0 && <HopTable hops={hops ?? {}} />}
        </li>
      ))}
    </ol>
  );
}

/** Where the time of a request goes. */
function HopTable({ hops }: { readonly hops: Readonly<Record<string, Hops>> }) {
  return (
    <table class="hops">
      <caption>
        Mean latency by hop, in milliseconds: proxies with the network, httpd, Jetty with the
        application
      </caption>
      <thead>
        <tr>
          <th scope="col">Arm</th>
          <th scope="col">Proxy</th>
          <th scope="col">httpd</th>
          <th scope="col">Jetty</th>
          <th scope="col">Total</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(hops).map(([arm, { httpdMs, jettyMs, proxyMs, totalMs }]) => (
          <tr key={arm}>
            <th scope="row">{arm}</th>
            {[proxyMs, httpdMs, jettyMs, totalMs].map((value, index) => (
              <td key={index}>{value.toFixed(2)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
