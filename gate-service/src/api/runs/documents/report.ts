/** One HTML file that says everything about a run, with no script and nothing to load: it can be archived. */
import type { ThresholdOutcome } from '../../../judge/judgement.ts';
import type { RunView } from '../../../runs/run.ts';
import { renderInterval } from './interval-chart.ts';
import { escapeMarkup as e } from './markup.ts';
import { formatOutcome } from './numbers.ts';
import { tuningSection } from './tuning.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #c9d1d9; --good: #1a7f37; --bad: #b3261e; --open: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --line: #3d444d; --good: #56d364; --bad: #ff8880; --open: #e3b341 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .5rem; border-bottom: 1px solid var(--line) }
code { font-size: .9em; overflow-wrap: anywhere } .chart { max-width: 100%; height: auto }
.chart .zero { stroke: var(--line) } .chart .limit { stroke: var(--ink); stroke-dasharray: 4 3 } .chart .interval { stroke: currentColor; stroke-width: 2 } .chart .effect { fill: currentColor }
.met, .passed { color: var(--good) } .breached, .failed { color: var(--bad) } .inconclusive, .invalid { color: var(--open) }
`;

const SIGNS = { met: '✓', breached: '✗', inconclusive: '?', invalid: '!' } as const;

/** @param run texts of others are escaped; nothing in it can become markup */
export function renderReport(run: RunView): string {
  const title = `${run.decision ?? run.phase}: ${run.service} ${run.label ?? run.build.slice(0, 12)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${e(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${e(title)}</h1>
<p>${run.decision === undefined ? `Not finished: ${run.phase}.` : `Decision <strong>${run.decision}</strong>, cause <strong>${e(run.cause ?? '–')}</strong>. ${e(run.summary ?? '')}`}</p>
${provisoText(run)}
${overrideText(run)}
<h2>Thresholds</h2>
${outcomeTable(run.evidence, 'Nothing was judged.')}
${run.shown.length > 0 ? `<h2>Shown, without deciding</h2>${outcomeTable(run.shown, '')}` : ''}
<h2>Controls</h2>
${controlList(run)}
<h2>Attempts</h2>
<ol>${run.attempts.map((attempt) => `<li value="${attempt.number}">${e(attempt.sentence)}${hopList(attempt.hops)}</li>`).join('')}</ol>
${tuningSection(run.tuning)}
${promotionList(run)}
<h2>The run</h2>
<dl>
<dt>Run</dt><dd><code>${e(run.id)}</code></dd>
<dt>Build</dt><dd><code>${e(run.build)}</code></dd>
<dt>Asked for by</dt><dd>${e(run.requestedBy)}${run.startedBy === undefined ? '' : ` (build started by ${e(run.startedBy)})`}, ${e(run.createdAt)}</dd>
<dt>Runs of this build before</dt><dd>${run.earlierRuns}</dd>
<dt>Phases</dt><dd>${run.phases.map((phase) => `${phase.phase} ${phase.seconds.toFixed(1)} s`).join(', ')}</dd>
${run.configuration === undefined ? '' : `<dt>Stack configuration</dt><dd><code>${e(run.configuration.hash)}</code>${run.configuration.adopted ? ', adopted by this run' : ''}</dd>`}
</dl>
</body></html>
`;
}

/** Where the time of each arm's requests went. */
function hopList(hops: RunView['attempts'][number]['hops'] = {}): string {
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  return Object.entries(hops)
    .map(
      ([arm, { httpdMs, jettyMs, proxyMs, totalMs }]) =>
        `<br>${e(arm)}: mean ${ms(totalMs)} = proxy and network ${ms(proxyMs)} + httpd ${ms(httpdMs)} + Jetty with the application ${ms(jettyMs)}`,
    )
    .join('');
}

function outcomeTable(outcomes: readonly ThresholdOutcome[], empty: string): string {
  if (outcomes.length === 0) return `<p>${empty}</p>`;
  const rows = outcomes.map(
    (one) =>
      `<tr><td class="${one.outcome}">${SIGNS[one.outcome]} ${one.outcome}</td><td><code>${e(one.threshold)}</code><br>${e(one.sentence)}<br>${e(formatOutcome(one))}<br><span class="${one.outcome}">${renderInterval(one)}</span></td></tr>`,
  );
  return `<table><thead><tr><th>Outcome</th><th>Threshold</th></tr></thead><tbody>${rows.join('')}</tbody></table>
<p>The dot is the effect, the bar its interval, the thin line zero, the dashed line the limit.</p>`;
}

function controlList(run: RunView): string {
  if (run.controls.length === 0) return '<p>No control was run.</p>';
  const items = run.controls.map(
    (one) =>
      `<li><span class="${one.passed ? 'passed' : 'failed'}">${one.passed ? '✓ passed' : '✗ failed'}</span> ${one.control}: ${e(one.sentence)}</li>`,
  );
  return `<ul>${items.join('')}</ul>`;
}

function promotionList(run: RunView): string {
  if (run.promotion === undefined) return '';
  const steps = run.promotion.steps.map(
    (step) => `<li>${step.weight} %: ${step.outcome} – ${e(step.sentence)}</li>`,
  );
  return `<h2>Promotion: ${run.promotion.state}</h2><ol>${steps.join('')}</ol>`;
}

function provisoText(run: RunView): string {
  const parts = [
    ...(run.cancel === undefined || run.decision !== undefined
      ? []
      : [
          `${e(run.cancel.actor)} has cancelled the run on ${e(run.cancel.at)}; it is being ended.`,
        ]),
    ...(run.supersededBy === undefined
      ? []
      : [`Its place in the queue was taken by run <code>${e(run.supersededBy)}</code>.`]),
    ...(run.loosened === undefined
      ? []
      : [`Loosened for this run: ${run.loosened.map(e).join('; ')}.`]),
  ];
  return parts.map((part) => `<p>${part}</p>`).join('');
}

function overrideText(run: RunView): string {
  const items = run.overrides.map(
    ({ actor, at, cause, expiresAt, order, outcome, promotion, reason, state }) =>
      `<li>${e(actor)} ordered <strong>${order}</strong> on ${e(at)}${cause === undefined ? '' : ` beside the cause ${e(cause)}`} (until ${e(expiresAt)}): ${e(reason)}. ${state}${outcome === undefined ? '' : `: ${e(outcome)}`}${promotion === undefined ? '' : ` – promotion ${promotion.state}${promotion.summary === undefined ? '' : `, ${e(promotion.summary)}`}`}.</li>`,
  );
  return items.length === 0
    ? ''
    : `<h2>Overrides</h2><ul>${items.join('')}</ul><p>The decision stays as it was.</p>`;
}
