/** JUnit XML as Jenkins reads it: a failure is a regression, an error is something that was not measured. */
import type { ThresholdOutcome } from '../../../judge/judgement.ts';
import type { RunView } from '../../../runs/run.ts';
import { escapeMarkup } from './markup.ts';
import { formatOutcome } from './numbers.ts';

interface Case {
  readonly name: string;
  readonly group: string;
  readonly verdict?: { readonly tag: 'failure' | 'error'; readonly type: string };
  readonly words: string;
}

/** The report of a run. Before its end, and when it ended without evidence, the run itself is the error. */
export function renderJunit(run: RunView): string {
  const cases = [decisionCase(run), ...run.evidence.map(thresholdCase), ...controlCases(run)];
  const count = (tag: string): number => cases.filter((one) => one.verdict?.tag === tag).length;
  const seconds = run.phases.reduce((sum, phase) => sum + phase.seconds, 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="speed-gate.${escapeMarkup(run.service)}" tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="0" time="${seconds.toFixed(3)}" timestamp="${run.createdAt}">`,
    ...cases.map((one) => renderCase(run, one)),
    '</testsuite>',
    '',
  ].join('\n');
}

function decisionCase(run: RunView): Case {
  const base = { name: 'decision', group: 'run' };
  if (run.decision === undefined) {
    const cancel = run.cancel === undefined ? '' : `, and ${run.cancel.actor} has cancelled it`;
    const words = `the run is not finished: it is ${run.phase}${cancel}`;
    return { ...base, verdict: { tag: 'error', type: 'unfinished' }, words };
  }
  const words = [
    `${run.decision} (${run.cause ?? 'no cause'}): ${run.summary ?? ''}`,
    ...run.overrides.map(
      ({ actor, order, outcome, reason, state }) =>
        `Override, beside the decision: ${actor} ordered ${order} (${state}${outcome === undefined ? '' : `: ${outcome}`}): ${reason}`,
    ),
  ].join('\n');
  if (run.decision !== 'rollback') return { ...base, words };
  const regression = run.cause === 'breached' || run.cause === 'promotion-breached';
  const tag = regression ? 'failure' : 'error';
  return { ...base, verdict: { tag, type: run.cause ?? 'rollback' }, words };
}

function thresholdCase(outcome: ThresholdOutcome): Case {
  const words = `${outcome.sentence} ${formatOutcome(outcome)}`;
  const base = { name: outcome.threshold, group: 'thresholds', words };
  if (outcome.outcome === 'met') return base;
  const tag = outcome.outcome === 'breached' ? 'failure' : 'error';
  return { ...base, verdict: { tag, type: outcome.outcome } };
}

function controlCases(run: RunView): readonly Case[] {
  return run.controls.map((control) => ({
    name: control.control,
    group: 'controls',
    words: control.sentence,
    ...(!control.passed && { verdict: { tag: 'error' as const, type: 'invalid' } }),
  }));
}

function renderCase(run: RunView, one: Case): string {
  const head = `  <testcase classname="speed-gate.${escapeMarkup(run.service)}.${one.group}" name="${escapeMarkup(one.name)}"`;
  const words = escapeMarkup(one.words);
  if (one.verdict === undefined) return `${head}><system-out>${words}</system-out></testcase>`;
  const { tag, type } = one.verdict;
  return `${head}><${tag} type="${type}" message="${words}">${words}</${tag}></testcase>`;
}
