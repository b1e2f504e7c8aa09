/** What is sent to a service: named requests with weights, and how fast. Read from YAML in the application's repository. */
import { z } from 'zod';

export const requestKindSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes'),
  weight: z.number().positive().default(1),
  method: z.enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  /** May hold `${sequence}`, the number of the pair (the same for both arms). */
  path: z.string().startsWith('/'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  expect: z
    .strictObject({
      status: z.int().min(100).max(599).optional(),
      bodyPattern: z.string().optional(),
    })
    .default({}),
});
export type RequestKind = z.infer<typeof requestKindSchema>;

export const workloadSchema = z.strictObject({
  /** Requests per second to each arm. */
  rate: z.number().positive().max(10_000),
  arrivals: z.enum(['poisson', 'constant']).default('poisson'),
  freshConnections: z.number().min(0).max(1).default(0),
  requests: z.array(requestKindSchema).min(1, 'a workload needs at least one request'),
});
export type Workload = z.infer<typeof workloadSchema>;
