import { expect, it } from 'vitest';
import type { FoundPlace } from '../../platforms/kubernetes/doctor/look.ts';
import { findingsOf } from './cluster.ts';

const place: FoundPlace = {
  service: 'checkout',
  environment: 'staging',
  namespace: 'checkout-staging',
  problems: [],
  arms: [{ id: 'checkout-candidate-1', role: 'candidate', weight: 0 }],
  rests: [
    { id: 'checkout-baseline-2', objects: ['ConfigMap checkout-baseline-2'], unreadable: false },
  ],
};

function said(busy: ReadonlySet<string> | undefined): string {
  return JSON.stringify(findingsOf(place, busy));
}

it('offers to remove what was left when nothing is under way, and only then', () => {
  expect(said(new Set())).toContain('doctor --remove checkout-candidate-1');
  expect(said(new Set())).toContain('doctor --remove checkout-baseline-2');
  expect(said(new Set(['checkout']))).not.toContain('--remove');
});

it('does not claim that nothing is under way when the store could not be asked', () => {
  expect(said(undefined)).toContain('could not be asked of the store');
  expect(said(undefined)).not.toMatch(/nothing is under way|--remove/);
});

it('tells an arm with a record of another version from a part of one', () => {
  const [rest] = place.rests;
  const other = { ...place, arms: [], rests: [{ ...rest!, unreadable: true }] };
  expect(JSON.stringify(findingsOf(other, new Set()))).toMatch(/cannot read.*use the version/);
});
