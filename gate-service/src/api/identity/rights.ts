/** Who calls, and what he may do to which services. Each right stands for itself: none includes another. */
import { z } from 'zod';

export const rightSchema = z.enum(['read', 'run', 'promote', 'override', 'loosen', 'admin']);
export type Right = z.infer<typeof rightSchema>;

/** What a route asks for. `any`: a known caller, whatever he may do; `public` needs no token. */
export type RequiredRight = Right | 'any' | 'public';

/** Stands for every service, also those that join the catalogue later. */
export const EVERY_SERVICE = '*';

/** Names of services for each right, or `*` for all; a right that is absent is not held. */
export type Rights = Readonly<Partial<Record<Right, readonly string[]>>>;

/** `ci` never overrides; `anonymous` exists on loopback only, and only when it was asked for. */
export type IdentityKind = 'person' | 'ci' | 'anonymous';

/** Who is calling. */
export interface Identity {
  /** The actor in runs, overrides and audit. */
  readonly name: string;
  readonly kind: IdentityKind;
  readonly rights: Rights;
  /**
   * Whether the right is held: for the service, or, without one, for at least one service.
   * `can(right, '*')` asks for all services, as things do that belong to none.
   */
  can(right: Right, service?: string): boolean;
}

/** Rights that only people hold, whatever a file or a token says. */
const FOR_PEOPLE: ReadonlySet<string> = new Set<Right>(['override']);

/** Rights of this list that an identity of this kind must not have. */
export function forbiddenRights(kind: IdentityKind, rights: Rights): readonly Right[] {
  if (kind === 'person') return [];
  return rightSchema.options.filter(
    (right) => FOR_PEOPLE.has(right) && rights[right] !== undefined,
  );
}

/** @param rights what was granted; what the kind must not hold is left out */
export function createIdentity(name: string, kind: IdentityKind, rights: Rights): Identity {
  const held = Object.fromEntries(
    Object.entries(rights).filter(([right]) => kind === 'person' || !FOR_PEOPLE.has(right)),
  ) as Rights;
  return {
    name,
    kind,
    rights: held,
    can(right, service) {
      const services = held[right] ?? [];
      if (service === undefined) return services.length > 0;
      return services.includes(EVERY_SERVICE) || services.includes(service);
    },
  };
}

/** The rights for all services, as a list of rights means them. */
export function everywhere(rights: readonly Right[]): Rights {
  return Object.fromEntries(rights.map((right) => [right, [EVERY_SERVICE]]));
}
