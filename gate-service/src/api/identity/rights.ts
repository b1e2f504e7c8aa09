/** What a token may do. Each right stands for itself: none includes another. */
import { z } from 'zod';

export const rightSchema = z.enum(['read', 'run', 'promote', 'override', 'admin']);
export type Right = z.infer<typeof rightSchema>;

/** What a route asks for; `public` needs no token and is said at every such route. */
export type RequiredRight = Right | 'public';

/** Who is calling. */
export interface Identity {
  readonly name: string;
  readonly rights: ReadonlySet<Right>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route without it cannot be registered: nothing is open by oversight. */
    right?: RequiredRight;
  }
}
