import { expect, it } from 'vitest';
import { batched } from './batch.ts';

it('reads together what is asked at once, each key once, and answers everybody', async () => {
  const loads: (readonly string[])[] = [];
  const read = batched((keys) => {
    loads.push(keys);
    return Promise.resolve(
      new Map(keys.filter((key) => key !== 'x').map((key) => [key, key + key])),
    );
  }, 'none');
  expect(await Promise.all(['a', 'b', 'a', 'x'].map(read))).toStrictEqual([
    'aa',
    'bb',
    'aa',
    'none',
  ]);
  expect(await read('c')).toBe('cc');
  expect(loads).toStrictEqual([['a', 'b', 'x'], ['c']]);
});

it('reads more than fit into one in several', async () => {
  const sizes: number[] = [];
  const read = batched((keys) => {
    sizes.push(keys.length);
    return Promise.resolve(new Map(keys.map((key) => [key, key])));
  }, '');
  const keys = Array.from({ length: 1201 }, (_, n) => `k-${n}`);
  expect(await Promise.all(keys.map(read))).toStrictEqual(keys);
  expect(sizes).toStrictEqual([500, 500, 201]);
});

it('tells everybody of a failure, and goes on', async () => {
  let broken = true;
  const read = batched(
    (keys) =>
      broken
        ? Promise.reject(new Error('away'))
        : Promise.resolve(new Map(keys.map((k) => [k, 1]))),
    0,
  );
  const results = await Promise.allSettled([read('a'), read('b')]);
  expect(results.map(({ status }) => status)).toStrictEqual(['rejected', 'rejected']);
  broken = false;
  expect(await read('a')).toBe(1);
});
