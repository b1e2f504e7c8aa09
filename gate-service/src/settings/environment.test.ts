import { expect, it } from 'vitest';
import { readSettings, SettingsError } from './environment.ts';

const least = { SPEED_GATE_CATALOGUE: '/etc/speed-gate/catalogue.yaml' };

it('has a default for everything but the catalogue, on loopback', () => {
  expect(readSettings({ ...least, XDG_STATE_HOME: '/var/state' })).toMatchObject({
    listen: { host: '127.0.0.1', port: 7080 },
    stateDirectory: '/var/state/speed-gate',
    catalogueFile: '/etc/speed-gate/catalogue.yaml',
    maxBuildMiB: 512,
    logLevel: 'info',
    drainSeconds: 10,
  });
});

it('reads every variable', () => {
  expect(
    readSettings({
      SPEED_GATE_LISTEN: '[::1]:0',
      SPEED_GATE_STATE: '/s',
      SPEED_GATE_CATALOGUE: '/c',
      SPEED_GATE_TOKENS_FILE: '/t',
      SPEED_GATE_MAX_BUILD_MIB: '64',
      SPEED_GATE_LOG_LEVEL: 'debug',
      SPEED_GATE_DRAIN_SECONDS: '0.5',
    }),
  ).toMatchObject({
    listen: { host: '::1', port: 0 },
    stateDirectory: '/s',
    catalogueFile: '/c',
    tokensFile: '/t',
    maxBuildMiB: 64,
    logLevel: 'debug',
    drainSeconds: 0.5,
  });
});

it('says every mistake at once, and repeats no value', () => {
  const secret = 'hunter2';
  try {
    readSettings({
      SPEED_GATE_LISTEN: secret,
      SPEED_GATE_MAX_BUILD_MIB: secret,
      SPEED_GATE_LOG_LEVEL: secret,
      SPEED_GATE_DRAIN_SECONDS: '9999',
      SPEED_GATE_CATALOGUE: '',
    });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    const { problems, message } = error as SettingsError;
    expect(problems.map((problem) => problem.split(':')[0])).toStrictEqual([
      'SPEED_GATE_LISTEN',
      'SPEED_GATE_CATALOGUE',
      'SPEED_GATE_MAX_BUILD_MIB',
      'SPEED_GATE_LOG_LEVEL',
      'SPEED_GATE_DRAIN_SECONDS',
    ]);
    expect(message).not.toContain(secret);
  }
});

it.each(['localhost', ':80', 'a:b', '127.0.0.1:70000', '127.0.0.1:', 'tcp://10.0.0.1:80'])(
  'refuses %s as an address',
  (text) => {
    expect(() => readSettings({ ...least, SPEED_GATE_LISTEN: text })).toThrow(/HOST:PORT/);
  },
);
