import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { sampleFlavours } from '../../../gate-service/src/settings/components.ts';
import { catalogueSchema } from '../../../gate-service/src/settings/catalogue.ts';
import { flavoursOnDisk } from '../../../resources/components/sample-application.ts';

const application = path.join(
  import.meta.dirname,
  ...['..', '..', '..', 'resources', 'sample-application'],
);

it('has a catalogue that the gate service accepts', () => {
  const text = readFileSync(path.join(application, 'speedgate.yaml'), 'utf8');
  const [checkout] = catalogueSchema.parse(parse(text)).services;
  expect(checkout?.name).toBe('checkout');
  expect(checkout?.workload.requests.map(({ name }) => name)).toEqual(['search', 'cart', 'order']);
  for (const request of checkout?.workload.requests ?? []) {
    expect(request.path).toContain('id=${sequence}');
  }
});

it('builds every flavour that has a properties file, and no other', async () => {
  expect(await flavoursOnDisk()).toEqual([...sampleFlavours].sort());
});
