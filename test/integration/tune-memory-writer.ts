/** Opens a memory, says what it holds, and keeps a session in it without an end. For tests that kill it. */
import { readKnobsFile } from '../../gate-service/src/commands/tune/knobs-file.ts';
import { openMemory } from '../../gate-service/src/commands/tune/memory.ts';
import { openSession } from '../../gate-service/src/commands/tune/session.ts';

const [file = '', directory = ''] = process.argv.slice(2);
const task = readKnobsFile(file);
const memory = openMemory(directory, task.problem.space);
const session = openSession(task, { budget: 1000, seed: 1, fresh: false }, memory);
session.tuner.ask();
session.keep();
console.log(memory.content === undefined ? 'found nothing' : 'found a session');
for (;;) session.keep();
