/** Rights as an identities file writes them: a list for all services, or services for each right. */
import { z } from 'zod';
import { EVERY_SERVICE, everywhere, rightSchema } from './rights.ts';
import type { Right, Rights } from './rights.ts';

const SERVICE = /^[a-z0-9][a-z0-9-]{0,39}$/;
const RIGHTS = rightSchema.options.join(', ');

const isRight = (value: unknown): value is Right => rightSchema.safeParse(value).success;

/**
 * `[read, run]`, or `{read: '*', run: [checkout, search]}`. A service is named in full: there are no patterns.
 */
export const rightsSchema = z.unknown().transform((given, context): Rights => {
  const wrong = (path: PropertyKey[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  if (Array.isArray(given)) {
    given.forEach((right, index) => {
      if (!isRight(right)) wrong([index], `expected a right: ${RIGHTS}`);
    });
    if (given.length === 0) wrong([], 'without a right it is of no use');
    return everywhere(given.filter(isRight));
  }
  if (typeof given !== 'object' || given === null) {
    wrong([], `expected rights (${RIGHTS}): a list, or the services of each right`);
    return z.NEVER;
  }
  const entries = Object.entries(given);
  if (entries.length === 0) wrong([], 'without a right it is of no use');
  const rights: Partial<Record<Right, readonly string[]>> = {};
  for (const [right, services] of entries) {
    if (!isRight(right)) wrong([right], `expected a right: ${RIGHTS}`);
    else {
      rights[right] = servicesOf(services, (path, message) => {
        wrong([right, ...path], message);
      });
    }
  }
  return rights;
});

function servicesOf(
  given: unknown,
  wrong: (path: PropertyKey[], message: string) => void,
): readonly string[] {
  if (given === EVERY_SERVICE) return [EVERY_SERVICE];
  if (!Array.isArray(given) || given.length === 0) {
    wrong([], "expected '*' for all services, or a list of their names");
    return [];
  }
  given.forEach((service, index) => {
    if (typeof service === 'string' && SERVICE.test(service)) return;
    wrong([index], "expected the name of a service; all of them are '*' without a list");
  });
  return [...new Set(given.filter((service) => typeof service === 'string'))];
}

/** Names of services that the rights speak of, without `*`. */
export function servicesNamed(rights: Rights): readonly string[] {
  return [...new Set(Object.values(rights).flat())].filter((name) => name !== EVERY_SERVICE);
}
