/** What tuning did in a run: a challenger that broke a limit, and one that was adopted and confirmed. */
import type { TuningView } from '../../gate-service/src/runs/tuning-record.ts';

export function tuningOf(unsafe: string, adopted: string): TuningView {
  return {
    outcome: 'confirmed',
    summary: 'the adopted configuration is confirmed on fresh data',
    objective: 'p95',
    budget: { evaluations: 4, seconds: 120 },
    memory: ['2 former sessions on similar workloads (similarity 0.98, 0.61)'],
    advice: [
      'Expert rule: mesh.requestTimeout 4000 instead of 15000 (four times p99; 70 % sure). Not tuned, because it trades errors for latency.',
    ],
    evaluations: [
      {
        number: 1,
        configurationHash: unsafe,
        source: 'memory',
        reason: 'it was adopted in a former session on a similar workload',
        changes: [
          { knob: 'places', from: 150, to: 640, share: 0.9 },
          { knob: 'mesh.idleTimeout', from: 3000, to: 9000, share: 0.1 },
        ],
        predicted: { change: -0.18, low: -0.4, high: 0.04, safe: 0.93 },
        margins: [{ metric: 'errors', max: 0.001, measured: 0.021, share: -20 }],
        verdict: 'unsafe',
        sentence:
          'unsafe: it was broken off (a burst of errors: 42 of 2000 requests failed, 0 of 2000 on the incumbent); the configuration in force stays, and this is not entered again on this workload',
      },
      {
        number: 2,
        configurationHash: adopted,
        source: 'expert',
        reason: '141 requests in flight for 150 places: requests wait for each other.',
        changes: [{ knob: 'places', from: 150, to: 300, share: 1 }],
        predicted: { change: -0.12, low: -0.31, high: 0.02, safe: 0.97 },
        measured: { change: -0.034, low: -0.051, high: -0.017, confidence: 0.9875, windows: 8 },
        margins: [
          { metric: 'p95', max: 200, measured: 121.4, share: 0.393 },
          { metric: 'errors', max: 0.001, measured: 0, share: 1 },
        ],
        verdict: 'adopted',
        sentence:
          'adopted: p95 -3.4 % (plausible range -5.1 % to -1.7 %, 8 comparisons), and no more failures',
      },
    ],
  };
}
