import { expect, it } from 'vitest';
import { errorOfAnswer, millisecondsOf, type Attempted } from './errors.ts';
import { DEPLOYMENT, POD } from './kinds.ts';

const applying: Attempted = {
  verb: 'patch',
  kind: DEPLOYMENT,
  namespace: 'shop',
  name: 'checkout-canary-1',
};
const status = (message: string, details: unknown = {}) =>
  JSON.stringify({ kind: 'Status', status: 'Failure', message, details });

it('names who may not do what, where, and the rule to add', () => {
  const error = errorOfAnswer(
    applying,
    403,
    status(
      'deployments.apps "checkout-canary-1" is forbidden: User "system:serviceaccount:gate:speed-gate" cannot create resource "deployments" in API group "apps" in the namespace "shop"',
    ),
  );
  expect(error).toMatchObject({ failure: 'forbidden', status: 403, passing: false });
  // The server says what was missing: an apply of something new needs `create` as well.
  expect(error.message).toBe(
    'The gate (system:serviceaccount:gate:speed-gate) may not create deployments in namespace shop. Add to a Role in namespace shop that is bound to it: {apiGroups: ["apps"], resources: ["deployments"], verbs: ["create"]}',
  );
});

it('names the subresource, as a log', () => {
  const error = errorOfAnswer(
    { verb: 'get', kind: POD, namespace: 'shop', name: 'a', subresource: 'log' },
    403,
    status(
      'pods "a" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "shop"',
    ),
  );
  expect(error.message).toContain('{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}');
});

it('keeps the words of an admission controller that forbids', () => {
  const error = errorOfAnswer(
    applying,
    403,
    status('deployments.apps "x" is forbidden: ValidatingAdmissionPolicy denied: only its own'),
  );
  expect(error.failure).toBe('forbidden');
  expect(error.message).toContain('only its own');
  expect(error.message).toContain('add to a Role in namespace shop');
});

it('does not ask for rights where the namespace is on its way out', () => {
  const error = errorOfAnswer(
    applying,
    403,
    status(
      'deployments.apps "x" is forbidden: unable to create new content in namespace shop because it is being terminated',
    ),
  );
  expect(error.message).toContain('Somebody has deleted the namespace');
  expect(error.message).not.toContain('Role');
});

it('tells a quota from a right', () => {
  const error = errorOfAnswer(
    applying,
    403,
    status('pods "x" is forbidden: exceeded quota: small'),
  );
  expect(error.failure).toBe('quota');
});

it('names owner and field of a conflict, and has none for another version of the object', () => {
  const cause = {
    reason: 'FieldManagerConflict',
    message: 'conflict with "helm" using apps/v1',
    field: '.spec.replicas',
  };
  const owned = errorOfAnswer(applying, 409, status('Apply failed', { causes: [cause] }));
  expect(owned.conflicts).toStrictEqual([{ manager: 'helm', field: '.spec.replicas' }]);
  expect(owned.message).toContain('.spec.replicas (owned by helm)');
  const other = errorOfAnswer(applying, 409, status('the object has been modified'));
  expect(other).toMatchObject({ failure: 'conflict', conflicts: [], passing: false });
});

it.each([
  [429, 'throttled', true],
  [500, 'unavailable', true],
  [503, 'unavailable', true],
  [504, 'timeout', true],
  [404, 'not-found', false],
  [422, 'invalid', false],
  [401, 'unauthorized', false],
])('answers %d as %s', (code, failure, passing) => {
  expect(errorOfAnswer(applying, code, 'not even JSON')).toMatchObject({ failure, passing });
});

it('does not take an unknown field for trouble that passes, though the server answers 500', () => {
  const said = 'failed to create typed patch object: .nonsense: field not declared in schema';
  expect(errorOfAnswer(applying, 500, status(said))).toMatchObject({
    failure: 'invalid',
    passing: false,
  });
});

it('reads Retry-After as seconds and as a date', () => {
  expect(millisecondsOf('7')).toBe(7000);
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(millisecondsOf('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000);
  expect(millisecondsOf('Wed, 31 Dec 2025 00:00:05 GMT', now)).toBe(0);
  expect(millisecondsOf('soon', now)).toBeUndefined();
});
