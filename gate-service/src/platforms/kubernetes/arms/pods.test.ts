import { expect, it } from 'vitest';
import { podsOf } from './pods.ts';

const pod = (name: string) => ({
  metadata: { name, uid: `uid-${name}` },
  spec: { containers: [{ name: 'app', image: 'r/c@sha256:1' }] },
  status: { phase: 'Running' },
});

it('has pods in the same order, however the cluster tells them', () => {
  const names = (...told: string[]) => podsOf(told.map(pod)).map(({ metadata }) => metadata.name);
  expect(names('b', 'c', 'a')).toEqual(['a', 'b', 'c']);
  expect(names('c', 'a', 'b')).toEqual(['a', 'b', 'c']);
});

it('leaves out what is not readable as a pod', () => {
  expect(podsOf([pod('a'), { metadata: { name: 'b' } }])).toHaveLength(1);
});
