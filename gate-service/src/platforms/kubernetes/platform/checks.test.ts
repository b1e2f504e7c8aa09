import { expect, it } from 'vitest';
import { templateOf } from '../arms/template.ts';
import { mebibytesOf, requireMemory } from './checks.ts';

it.each([
  ['1Gi', 1024],
  ['1536Mi', 1536],
  ['1G', 953],
  ['1073741824', 1024],
  [1_073_741_824, 1024],
  ['524288Ki', 512],
])('reads %s of memory as %i MiB', (quantity, mebibytes) => {
  expect(mebibytesOf(quantity)).toBe(mebibytes);
});

it.each([undefined, '', 'much', '1Xi', '-1Gi'])('cannot read %s', (quantity) => {
  expect(mebibytesOf(quantity)).toBeUndefined();
});

function template(memory: string | undefined) {
  const resources = memory === undefined ? {} : { resources: { limits: { memory } } };
  return templateOf({
    metadata: { name: 'checkout' },
    spec: {
      selector: { matchLabels: { app: 'checkout' } },
      template: { spec: { containers: [{ name: 'node', ...resources }] } },
    },
  });
}

const resources = { cores: 2, memoryMiB: 896, fileDescriptors: 65_536 };

it('refuses a container that has less memory than the node and its agent are said to have', () => {
  expect(() => {
    requireMemory(template('1Gi'), 'node', resources);
  }).not.toThrow();
  expect(() => {
    requireMemory(template('1023Mi'), 'node', resources);
  }).toThrow(/1023 MiB .* 896 MiB .* 128 MiB/);
  // Without a limit there is nothing to break.
  expect(() => {
    requireMemory(template(undefined), 'node', resources);
  }).not.toThrow();
});
