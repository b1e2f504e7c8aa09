import { expect, it } from 'vitest';
import { readSettings } from '../settings/environment.ts';
import { isLoopbackHost } from '../settings/loopback.ts';
import { requireLoopback } from './callers.ts';

const listening = (address: string) =>
  readSettings({ SPEED_GATE_CATALOGUE: '/c', SPEED_GATE_LISTEN: address });

it.each(['127.0.0.1:7080', '127.1.2.3:0', '[::1]:7080'])('everybody may come to %s', (address) => {
  expect(() => {
    requireLoopback(listening(address));
  }).not.toThrow();
});

// `localhost` may be anything: the file of hosts says what.
it.each(['0.0.0.0:7080', '[::]:7080', '10.0.0.1:7080', 'localhost:7080', '[::ffff:a00:1]:1'])(
  'not everybody may come to %s',
  (address) => {
    expect(() => {
      requireLoopback(listening(address));
    }).toThrow(/--insecure-loopback .*must listen on loopback: set SPEED_GATE_LISTEN/);
  },
);

it.each([
  ['localhost', true],
  ['LOCALHOST', true],
  ['127.0.0.1', true],
  ['[::1]', true],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
  ['2130706433', false],
  ['', false],
])('the host %j is this machine: %s', (host, is) => {
  expect(isLoopbackHost(host)).toBe(is);
});
