import { describe, expect, it } from 'vitest';
import type { Sample } from '../load/sample.ts';
import type { NodeStatus } from '../node-agent/protocol.ts';
import type { Arm, ArmObservation } from '../platforms/platform.ts';
import type { ComparedArm } from './compared.ts';
import { integrityProblems } from './integrity.ts';

const arm: Arm = {
  id: 'checkout-baseline-1',
  service: 'checkout',
  environment: 'staging',
  role: 'baseline',
  buildDigest: 'b'.repeat(64),
  configurationHash: 'c'.repeat(64),
  nodes: ['n1', 'n2'].map((name, index) => ({ name, address: '127.0.0.1', port: 9000 + index })),
};
const arms: readonly ComparedArm[] = [
  { name: 'baseline', arm, build: arm.buildDigest, configurationHash: arm.configurationHash },
];
const usage = { pid: 7, cpuSeconds: 1, residentMiB: 1, restarts: 0 };
const status = { httpd: { usage }, jetty: { usage } } as NodeStatus;

/** What the proxy has counted for each of the nodes. */
const observed = (...requests: readonly number[]): readonly ArmObservation[] => [
  {
    arm,
    weight: 0,
    nodes: arm.nodes.map(({ name }, index) => ({
      name,
      status,
      healthyInProxy: true,
      requestsTotal: requests[index] ?? 0,
    })),
  },
];

const answeredBy = (...launches: readonly string[]): readonly Sample[] =>
  launches.map((launch) => ({
    arm: 'baseline',
    launch,
    window: 0,
    kind: 'cart',
    intendedUs: 0,
    latencyUs: 1000,
    status: launch === '-' ? 'refused' : 'ok',
  }));

describe('who has answered', () => {
  const candidate: ComparedArm = {
    ...arms[0]!,
    name: 'candidate',
    arm: {
      ...arm,
      id: 'checkout-candidate-1',
      nodes: [{ name: 'm1', address: '127.0.0.1', port: 9010 }],
    },
  };
  const both = [arms[0]!, candidate];
  const seen: readonly ArmObservation[] = [
    ...observed(100, 100),
    {
      arm: candidate.arm,
      weight: 0,
      nodes: [{ name: 'm1', status, healthyInProxy: true, requestsTotal: 100 }],
    },
  ];
  const after = seen.map((own) => ({
    ...own,
    nodes: own.nodes.map((node) => ({ ...node, requestsTotal: 200 })),
  }));
  const problems = (...rows: readonly (readonly [Sample['arm'], string, string?])[]) =>
    integrityProblems(
      both,
      seen,
      after,
      rows.map(([of, launch, result = 'ok']) => ({
        ...answeredBy('n1')[0]!,
        arm: of,
        launch,
        status: result,
      })),
    );

  it('is a node of the arm, and of the reference in the planted block', () => {
    expect(problems(['baseline', 'n1'], ['candidate', 'm1'], ['planted', 'n2'])).toEqual([]);
  });

  it.each([
    ['the other arm', ['baseline', 'm1']],
    ['the reference for the candidate', ['candidate', 'n1']],
    ['the candidate in the planted block', ['planted', 'm1']],
    ['a stranger', ['candidate', 'x9']],
  ] as const)('is not %s', (_, row) => {
    expect(problems(['baseline', 'n1'], row)).toEqual([
      expect.stringMatching(/^1 requests were answered by nodes of another arm/),
    ]);
  });

  it('has a name, unless there was no answer', () => {
    expect(problems(['baseline', '-', 'refused'], ['candidate', '-', '503'])).toEqual([]);
    expect(problems(['baseline', '-'], ['planted', '-'], ['candidate', 'm1'])).toEqual([
      expect.stringMatching(/^2 good answers came from no node that named itself/),
    ]);
  });

  it('is in one arm only', () => {
    const mixed = { ...candidate, arm: { ...candidate.arm, nodes: arm.nodes } };
    expect(integrityProblems([arms[0]!, mixed], seen, seen, []).join()).toMatch(
      /node n1 stands in two arms/,
    );
  });
});

describe('what the proxy has counted', () => {
  it('may be more than the samples: warm-up and planted block go through it as well', () => {
    const samples = answeredBy('n1', 'n1', 'n2', '-');
    expect(integrityProblems(arms, observed(10, 10), observed(12, 11), samples)).toEqual([]);
    expect(integrityProblems(arms, observed(10, 10), observed(99, 99), samples)).toEqual([]);
  });

  it('must not be less: a proxy that was started again counts from 0', () => {
    const samples = answeredBy('n1', 'n1', 'n1', 'n2');
    const problems = integrityProblems(arms, observed(10, 10), observed(12, 11), samples);
    expect(problems).toEqual([
      expect.stringMatching(/proxy has not seen all requests.*n1 answered 3, the proxy counts 2$/),
    ]);
    expect(integrityProblems(arms, observed(0, 0), observed(2, 1), samples)).toHaveLength(1);
    expect(integrityProblems(arms, observed(900, 900), observed(80, 80), samples)).toHaveLength(1);
  });
});
