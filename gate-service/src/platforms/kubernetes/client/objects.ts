/** Objects as the API server has them: what every kind shares is checked, the rest is left as it came. */
import { z } from 'zod';
import { KubernetesError } from './errors.ts';
import { wordsOf, type Place } from './kinds.ts';

const metadataSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.int().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

export const objectSchema = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: metadataSchema,
});
export type KubernetesObject = z.infer<typeof objectSchema>;

const listSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().default('') }).prefault({}),
  items: z.array(objectSchema),
});
export type KubernetesList = z.infer<typeof listSchema>;

/** @throws KubernetesError `malformed` */
export function objectOf(value: unknown, place: Place): KubernetesObject {
  return checked(objectSchema, value, place);
}

/** @throws KubernetesError `malformed` */
export function listOf(value: unknown, place: Place): KubernetesList {
  return checked(listSchema, value, place);
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: Place,
): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new KubernetesError(
    'malformed',
    `The API server's answer about ${wordsOf(place)} is not what it should be: ${z.prettifyError(parsed.error)}`,
  );
}
