/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- answers of the API have no types in plain JavaScript; the page is typed once it is built */
/* global document, setTimeout */
/** One run, live. */
import { ask, follow, get } from './api.js';
import { el, kindOf, mark, nameOf, pause, when, wordOf } from './element.js';
import { judgedAgain } from './judgements.js';
import { thresholdList } from './outcomes.js';
import { refresh } from './refresh.js';

const PHASES = ['queued', 'deploying', 'measuring', 'tuning', 'confirming', 'judging'];

/** The decision with its cause and summary, or where the run is. */
function verdict(run) {
  if (!run.decision) {
    return el(
      'div',
      { class: 'verdict open' },
      el('span', { class: 'word' }, `… ${run.phase}`),
      el('p', {}, 'Not decided yet.'),
    );
  }

  return el(
    'div',
    { class: `verdict ${kindOf(run.decision)}` },
    el('span', { class: 'word' }, `${wordOf(run.decision)} – ${run.cause}`),
    el('p', {}, run.summary ?? ''),
  );
}

function section(title, ...content) {
  return [el('h2', {}, title), ...content];
}

/** Title, decision and phases. */
function headOf(run) {
  const seconds = new Map(run.phases.map((phase) => [phase.phase, phase.seconds]));
  const names = [
    ...PHASES.filter(
      (name) =>
        (name !== 'tuning' && name !== 'confirming') || seconds.has(name) || run.phase === name,
    ),
  ];
  for (const { phase } of run.phases) if (!names.includes(phase)) names.push(phase);
  if (!names.includes(run.phase)) names.push(run.phase);
  return [
    el('h1', {}, nameOf(run)),
    verdict(run),
    el(
      'ul',
      { class: 'phases', 'aria-label': 'Phases' },
      names.map((name) =>
        el(
          'li',
          name === run.phase ? { class: 'now', 'aria-current': 'step' } : {},
          `${name === run.phase ? '▸ ' : ''}${name}${seconds.has(name) ? ` ${seconds.get(name).toFixed(0)} s` : ''}`,
        ),
      ),
    ),
  ];
}

/** What was found and what it led to. */
function bodyOf(run) {
  return [
    run.override
      ? section(
          'Override',
          el(
            'p',
            {},
            `${run.override.actor} ordered ${run.override.order} on ${when(run.override.at)}: ${run.override.reason} (until ${when(run.override.expiresAt)}). The decision stays as it was.`,
          ),
        )
      : [],
    section(
      'Thresholds',
      run.evidence.length ? thresholdList(run.evidence) : el('p', {}, 'Nothing is judged yet.'),
    ),
    run.shown.length ? section('Shown, without deciding', thresholdList(run.shown)) : [],
    section(
      'Controls',
      run.controls.length
        ? el(
            'ul',
            {},
            run.controls.map((one) =>
              el(
                'li',
                {},
                el(
                  'span',
                  { class: `mark ${one.passed ? 'good' : 'bad'}` },
                  one.passed ? '✓ passed' : '✗ failed',
                ),
                ` ${one.control}: ${one.sentence}`,
              ),
            ),
          )
        : el('p', {}, 'No control has been run yet.'),
    ),
    run.attempts.length > 0 ? section('Attempts', el('ol', {}, run.attempts.map(attemptItem))) : [],
    run.promotion
      ? section(
          `Promotion: ${run.promotion.state}`,
          el(
            'ol',
            {},
            run.promotion.steps.map((step) =>
              el('li', {}, `${step.weight} % `, mark(step.outcome), ` ${step.sentence}`),
            ),
          ),
        )
      : [],
    section(
      'Details',
      el(
        'dl',
        {},
        [
          ['Run', el('code', {}, run.id)],
          ['Build', el('code', {}, run.build)],
          run.baseline
            ? [
                run.against === 'reference' ? 'Compared with the reference' : 'Compared with',
                el('code', {}, run.baseline.build),
              ]
            : [],
          ['Asked for by', `${run.requestedBy}, ${when(run.createdAt)}`],
          run.configuration
            ? [
                'Configuration',
                el(
                  'code',
                  {},
                  `${run.configuration.hash}${run.configuration.adopted ? ' (adopted by this run)' : ''}`,
                ),
              ]
            : [],
          [
            'Downloads',
            el(
              'span',
              {},
              ['report.html', 'junit.xml', 'results.jtl', 'samples', 'evidence'].flatMap((name) => [
                el('a', { href: '#', onclick: (event) => download(event, run.id, name) }, name),
                ' ',
              ]),
            ),
          ],
        ]
          .filter((pair) => pair.length === 2)
          .flatMap(([term, text]) => [el('dt', { class: 'quiet' }, term), el('dd', {}, text)]),
      ),
    ),
  ].flat();
}

/** Every attempt is shown, also those that did not count. */
function attemptItem({ judgement, number, purpose, sentence }) {
  return el(
    'li',
    { value: number },
    el('span', { class: 'quiet' }, `${purpose} `),
    judgement ? [mark(judgement.cause), ' '] : undefined,
    sentence,
    judgement
      ? el(
          'span',
          { class: 'quiet' },
          ` ${judgement.windows.counted} of ${judgement.windows.planned} windows count, ${judgement.windows.dropped} were spoilt.`,
        )
      : undefined,
  );
}

async function download(event, id, name) {
  event.preventDefault();
  try {
    const url = URL.createObjectURL(await (await ask(`/v1/runs/${id}/${name}`)).blob());
    const names = { samples: 'samples.csv.gz', evidence: 'evidence.json' };
    el('a', { href: url, download: `${id}-${names[name] ?? name}` }).click();
    setTimeout(() => {
      URL.revokeObjectURL(url);
    }, 60_000);
  } catch (error) {
    event.target.after(` ${error.message}`);
  }
}

/** Draws the run, follows its events, and keeps it fresh until `signal` aborts. */
export async function showRun(id, page, line, signal) {
  const head = el('div');
  const body = el('div');
  const events = el('ol', { class: 'events', 'aria-label': 'What happened', tabindex: '0' });
  const log = el('section', {}, el('h2', {}, 'What happened'), events);
  let order;
  let again;
  const draw = async () => {
    const run = await get(`/v1/runs/${id}`, signal);
    document.title = `${run.decision ?? run.phase}: ${nameOf(run)} – Speed Gate`;
    head.replaceChildren(...headOf(run));
    body.replaceChildren(...bodyOf(run));
    // While it is under way the news come first, afterwards what was found.
    const next = run.phase === 'finished' ? 'found' : 'news';
    if (next === 'found' && run.attempts.some(({ judgement }) => judgement)) {
      const thresholds = run.evidence.map(({ threshold }) => threshold);
      again ??= judgedAgain(id, thresholds, signal);
      await again.draw();
    }
    if (next !== order) {
      const found = again ? [body, again.section, log] : [body, log];
      page.replaceChildren(head, ...(next === 'found' ? found : [log, body]));
      events.scrollTop = events.scrollHeight;
    }
    order = next;
    return run;
  };
  const first = await draw();
  let last = 0;
  const add = (event) => {
    last = event.sequence;
    const follow = events.scrollHeight - events.scrollTop - events.clientHeight < 40;
    events.append(
      el(
        'li',
        {},
        el('time', { datetime: event.at }, new Date(event.at).toLocaleTimeString()),
        event.message,
      ),
    );
    if (follow) events.scrollTop = events.scrollHeight;
  };
  let finished = first.phase === 'finished';
  do {
    try {
      line.textContent = finished ? '' : 'live';
      await follow(id, last, signal, async (event) => {
        add(event);
        if (event.type !== 'progress') await draw();
      });
      finished = (await draw()).phase === 'finished';
      line.textContent = '';
    } catch (error) {
      if (signal.aborted || error.status === 401 || error.status === 403) throw error;
      line.textContent = 'the line to the service was cut; trying again …';
      await pause(2000, signal);
    }
  } while (!finished && !signal.aborted);
  // An override or its promotion may still come.
  await refresh(draw, line, signal);
}
