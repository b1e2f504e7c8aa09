import { describe, expect, it } from 'vitest';
import { machineShare, nodeResources, softFileLimit } from './node-resources.ts';

describe('the limit of open files', () => {
  it('is the soft one', () => {
    expect(
      softFileLimit('Max open files            1024                 524288               files\n'),
    ).toBe(1024);
  });
  it('may be missing: then nothing is assumed', () => {
    expect(() => softFileLimit('Max cpu time  unlimited')).toThrow('no limit of open files');
  });
});

describe('the share of this machine', () => {
  it('is something a node can run with', () => {
    const { cores, fileDescriptors, memoryMiB } = machineShare();
    expect(cores).toBeGreaterThanOrEqual(1);
    expect(memoryMiB).toBeGreaterThan(0);
    expect(fileDescriptors).toBeGreaterThan(0);
  });

  it.each([
    ['17.0.15', 17],
    ['21', 21],
    ['25-ea', 25],
    ['1.8.0_292', 8],
    ['unknown', undefined],
  ])('has the feature release of Java %s', (version, feature) => {
    expect(nodeResources(version).javaVersion).toBe(feature);
  });
});
