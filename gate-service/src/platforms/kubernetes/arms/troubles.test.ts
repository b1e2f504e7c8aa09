import { expect, it } from 'vitest';
import { podsOf } from './pods.ts';
import { troublesOf } from './troubles.ts';

function pod(status: Record<string, unknown>, name = 'checkout-1') {
  return podsOf([
    {
      metadata: { name, uid: `uid-${name}` },
      spec: { containers: [{ name: 'app', image: 'r/c@sha256:1' }] },
      status,
    },
  ]);
}

const running = (container: Record<string, unknown>) =>
  pod({
    phase: 'Running',
    podIP: '10.0.0.1',
    containerStatuses: [{ name: 'app', ready: false, restartCount: 0, ...container }],
  });

const event = (name: string, reason: string, message: string, lastTimestamp: string) => ({
  metadata: { name: `${name}.${lastTimestamp}` },
  involvedObject: { name },
  type: 'Warning',
  reason,
  message,
  lastTimestamp,
});

it.each([
  [
    'an image that cannot be pulled',
    running({ state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } }),
    { kind: 'image', reason: expect.stringMatching(/not found \(image r\/c@sha256:1\)/) as string },
  ],
  [
    'a name that is none, at once',
    running({ state: { waiting: { reason: 'InvalidImageName' } } }),
    { kind: 'image', patienceMs: 0 },
  ],
  [
    'a ConfigMap that is missing',
    running({
      state: {
        waiting: { reason: 'CreateContainerConfigError', message: 'configmap "a" not found' },
      },
    }),
    { kind: 'container-configuration' },
  ],
  [
    'a first death, which may pass',
    running({
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
    }),
    { kind: 'crash', patienceMs: Infinity, log: 'former' },
  ],
  [
    'a first death, not started again yet',
    running({ state: { terminated: { exitCode: 1, reason: 'Error' } } }),
    { kind: 'crash', patienceMs: Infinity, log: 'present' },
  ],
  [
    'a third life after two deaths',
    running({
      restartCount: 2,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
    }),
    { kind: 'crash', patienceMs: 0, log: 'former' },
  ],
  [
    'a crash loop, which does not',
    running({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    }),
    {
      kind: 'crash',
      patienceMs: 0,
      log: 'former',
      advice: expect.stringContaining('memory limit') as string,
    },
  ],
  [
    'no node that takes it',
    pod({
      phase: 'Pending',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/1 nodes are available: 1 Insufficient cpu.',
        },
      ],
    }),
    { kind: 'unschedulable', reason: expect.stringContaining('Insufficient cpu') as string },
  ],
  [
    'an eviction',
    pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory' }),
    { kind: 'evicted', reason: 'Evicted: The node was low on memory' },
  ],
  ['a probe', running({ state: { running: {} } }), { kind: 'probe', log: 'present' }],
])('sees %s', (_, pods, expected) => {
  expect(troublesOf(pods, [])).toMatchObject([expected]);
});

it('tells the newest words of a failing probe', () => {
  const pods = running({ state: { running: {} } });
  const events = [
    event('checkout-1', 'Unhealthy', 'statuscode: 500', '2026-01-01T00:00:02Z'),
    event('checkout-1', 'Unhealthy', 'connection refused', '2026-01-01T00:00:01Z'),
    event('other', 'Unhealthy', 'of another pod', '2026-01-01T00:00:03Z'),
  ];
  expect(troublesOf(pods, [], events)[0]?.reason).toBe('Unhealthy: statuscode: 500');
});

it('tells quota from policy where no pod could be created, each once', () => {
  const set = (message: string) => ({
    metadata: { name: 'set' },
    status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message }] },
  });
  const owners = [
    set('exceeded quota: small'),
    set('exceeded quota: small'),
    set('violates PodSecurity'),
  ];
  expect(troublesOf([], owners).map(({ kind }) => kind)).toStrictEqual(['quota', 'refused']);
});

it('sees nothing wrong with pods that are ready, on their way out, or past their init containers', () => {
  const ready = running({
    ready: true,
    state: { running: {} },
    restartCount: 3,
    lastState: { terminated: { exitCode: 1 } },
  });
  const ending = podsOf([
    { metadata: { name: 'x', uid: 'x', deletionTimestamp: '2026-01-01T00:00:00Z' }, status: {} },
  ]);
  const initialised = pod({
    phase: 'Running',
    podIP: '10.0.0.1',
    initContainerStatuses: [
      { name: 'init', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
    ],
    containerStatuses: [{ name: 'app', ready: true, state: { running: {} } }],
  });
  expect(troublesOf([...ready, ...ending, ...initialised], [])).toStrictEqual([]);
});
