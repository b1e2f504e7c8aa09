/** Who owns the route list of an object, and its handing over, in `metadata.managedFields`. Pure. */
import type { KubernetesObject } from '../client/objects.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Name of an owner without its fields: manager, operation and API version. */
export type Owner = Fields;

/** Entries of managedFields that have `spec.http`. */
export function routeOwners(object: KubernetesObject): readonly Owner[] {
  return entriesOf(object)
    .filter(ownsRoutes)
    .map(({ manager, operation, apiVersion }) => ({ manager, operation, apiVersion }));
}

/**
 * A JSON patch that hands `spec.http` from those who have it to these owners, and fails when the
 * object has changed since it was read. Nothing of its content changes.
 */
export function handOver(object: KubernetesObject, to: readonly Owner[]): readonly unknown[] {
  const rest = entriesOf(object).flatMap((entry) => {
    if (!ownsRoutes(entry)) return [entry];
    const fields = record(entry.fieldsV1);
    const spec = without(record(fields['f:spec']), 'f:http');
    const bare = Object.keys(spec).every((key) => key === '.');
    const left = bare ? without(fields, 'f:spec') : { ...fields, 'f:spec': spec };
    return Object.keys(left).length === 0 ? [] : [{ ...entry, fieldsV1: left }];
  });
  const managed = to.reduce<readonly Fields[]>((entries, owner) => given(entries, owner), rest);
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion },
    { op: 'replace', path: '/metadata/managedFields', value: managed },
  ];
}

function given(entries: readonly Fields[], owner: Owner): readonly Fields[] {
  const isOwner = (one: Fields): boolean =>
    ['manager', 'operation', 'apiVersion'].every((name) => one[name] === owner[name]);
  if (!entries.some(isOwner)) {
    const fieldsV1 = { 'f:spec': { 'f:http': {} } };
    return [...entries, { ...owner, fieldsType: 'FieldsV1', fieldsV1 }];
  }
  return entries.map((one) => {
    if (!isOwner(one)) return one;
    const fields = record(one.fieldsV1);
    const spec = { ...record(fields['f:spec']), 'f:http': {} };
    return { ...one, fieldsV1: { ...fields, 'f:spec': spec } };
  });
}

function entriesOf(object: KubernetesObject): readonly Fields[] {
  const entries = object.metadata.managedFields;
  return Array.isArray(entries) ? entries.map(record) : [];
}

function ownsRoutes(entry: Fields): boolean {
  return 'f:http' in record(record(entry.fieldsV1)['f:spec']);
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
