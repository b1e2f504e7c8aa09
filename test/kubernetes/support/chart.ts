/** The Helm chart in tests: rendered, and installed with namespaces of the test's own. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import type { Helm } from './helm.ts';

export const CHART = path.join(import.meta.dirname, '../../../resources/kubernetes/speed-gate');

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type Rendered = z.infer<typeof objectSchema>;

export type Values = Readonly<Record<string, unknown>>;

/** Enough for the chart to be content with. */
export const LEAST: Values = {
  catalogue: { text: 'services: {}' },
  prometheus: { url: 'http://prometheus.monitoring:9090' },
  services: [
    {
      name: 'checkout',
      staging: { namespace: 'checkout-staging' },
      production: {
        namespace: 'checkout',
        deployment: 'checkout',
        virtualServices: ['checkout-site'],
      },
    },
  ],
};

/** Renders without a cluster. @throws Error with helm's complaint */
export async function render(helm: Helm, folder: string, values: Values): Promise<Rendered[]> {
  const file = await valuesFile(folder, values);
  const text = await helm.helm([
    ...['template', 'gate', CHART, '--namespace', 'speed-gate'],
    ...['--kube-version', '1.33.0', '--values', file],
  ]);
  return objectsOf(text);
}

export async function valuesFile(folder: string, values: Values): Promise<string> {
  const file = path.join(folder, `values-${randomBytes(4).toString('hex')}.yaml`);
  await writeFile(file, stringify(values));
  return file;
}

export function objectsOf(text: string): Rendered[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter((content) => content !== null && content !== undefined)
    .map((content) => objectSchema.parse(content));
}

/** The one of a kind and name. */
export function the(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`${found.length} objects ${kind} ${name ?? ''} instead of one`);
  }
  return first;
}
