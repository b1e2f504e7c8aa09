import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { hasEnded, processName } from './process-name.ts';

it('knows that a process has ended, and that another has its pid', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const name = processName(child.pid);
  expect(hasEnded(name)).toBe(false);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  expect(hasEnded(name)).toBe(true);
  const own = processName();
  expect(hasEnded(own)).toBe(false);
  expect(hasEnded(`${own}1`)).toBe(true);
});

it.each([
  '',
  'alone',
  'elsewhere/0123456789ab/1/1',
  processName().replace(/\/[0-9a-f]{12}\//, '/x/'),
])('says nothing of a process that it cannot know: %s', (name) => {
  expect(hasEnded(name)).toBe(false);
});
