/** Refuses what no database column for text takes, wherever an address carries it. */
import type { FastifyInstance } from 'fastify';
import { jsonPointer, ProblemError } from '../problems/problem.ts';

/** Bodies are checked where they are read. */
export function refuseNulCharacters(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    for (const values of [request.params, request.query]) {
      for (const [name, value] of Object.entries(values ?? {})) {
        if (!String(value).includes('\0')) continue;
        const detail = 'has a NUL character';
        const pointer = jsonPointer([name]);
        done(
          new ProblemError(400, 'invalid-request', `${pointer}: ${detail}`, [{ pointer, detail }]),
        );
        return;
      }
    }
    done();
  });
}
