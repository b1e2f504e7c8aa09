/** The service catalogue: what may be gated, by which workload and thresholds. Read from YAML. */
import { z } from 'zod';
import { inlineData, type ReadData } from '../load/inline-data.ts';
import { workloadFileSchema } from '../load/workload-schema.ts';
import { workloadSchema } from '../load/workload.ts';
import { kubernetesSchema } from './catalogue-kubernetes.ts';

export const profileSchema = z.enum(['standard', 'quick']);
export type Profile = z.infer<typeof profileSchema>;

const serviceFields = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
  description: z.string().default(''),
  hosts: z.array(z.string().min(1)).min(1),
  healthPath: z.string().startsWith('/').default('/'),
  systemProperties: z.record(z.string(), z.string()).default({}),
  nodes: z
    .strictObject({
      staging: z.int().min(1).max(16).default(2),
      production: z.int().min(1).max(16).default(2),
    })
    .prefault({}),
  /** Where the service's nodes run on platform `kubernetes`; not looked at elsewhere. */
  kubernetes: kubernetesSchema.optional(),
  workload: workloadSchema,
  /** Must all hold. */
  thresholds: z.array(z.string()).min(1),
  /** Measured and shown, never decide. */
  shown: z.array(z.string()).default([]),
  /** A first build for a service without production: judged by absolute thresholds alone. */
  initialBuild: z.boolean().default(false),
  /** For thresholds on capacity: a closed-loop load that saturates the machine. */
  capacity: z
    .strictObject({
      connections: z.int().min(1).max(1000).default(32),
      /** Also where production of any service runs on the same machine: its users will feel it. */
      besideProduction: z.boolean().default(false),
    })
    .prefault({}),
  promotion: z
    .strictObject({
      default: z.enum(['auto', 'manual', 'never']).default('manual'),
      /** Seconds at each weight. */
      stepSeconds: z.number().min(1).max(3600).default(10),
      holdSeconds: z.number().min(0).max(86_400).default(20),
      /** A step that would see fewer canary requests than this is skipped, and says so. */
      minimumRequests: z.int().min(1).default(50),
    })
    .prefault({}),
  /** A person's promotion of a pass takes somebody else than who asked for the run; an override always does. */
  fourEyes: z.boolean().default(false),
  /** A newer run takes the place of the service's queued ones, which end as `superseded`. */
  supersede: z.boolean().default(false),
  limits: z
    .strictObject({
      /** Most runs of the service that wait at a time. */
      queued: z.int().min(1).max(1000).default(20),
      /** Most runs of one build; a further one takes the right `override`. Absent: any number, all of them shown. */
      attemptsPerBuild: z.int().min(1).max(1000).optional(),
      /** Longest time that a run may ask for to tune in: nothing else is measured on the host meanwhile. */
      tuneSeconds: z.number().min(1).max(86_400).default(3600),
    })
    .prefault({}),
});

/** What the fields of a service say together. */
function agreeing<
  Schema extends z.ZodType<Pick<z.infer<typeof serviceFields>, 'fourEyes' | 'promotion'>>,
>(schema: Schema): Schema {
  return schema.refine(({ fourEyes, promotion }) => !fourEyes || promotion.default !== 'auto', {
    path: ['promotion', 'default'],
    message:
      '"auto" promotes for who asks for the run, and fourEyes asks for somebody else: say "manual" or "never"',
  });
}

export const catalogueServiceSchema = agreeing(serviceFields);
export type CatalogueService = z.infer<typeof catalogueServiceSchema>;

export const catalogueSchema = z.strictObject({
  services: z.array(catalogueServiceSchema).min(1),
});
export type Catalogue = z.infer<typeof catalogueSchema>;

/** The catalogue as it stands in a file, whose workloads may name their data; what it gives has it written out. */
export function catalogueFileSchema(readData: ReadData): z.ZodType<Catalogue> {
  const workload = workloadFileSchema
    .transform((file, context): unknown => {
      const inlined = inlineData(file, readData);
      if ('workload' in inlined) return inlined.workload;
      for (const { path, message } of inlined.problems) {
        context.addIssue({ code: 'custom', path: [...path], message });
      }
      return z.NEVER;
    })
    .pipe(workloadSchema);
  return z.strictObject({
    services: z.array(agreeing(serviceFields.extend({ workload }))).min(1),
  });
}

/** JSON Schema (2020-12) of a catalogue file, for editors; what the schema cannot say is checked on loading. */
export function catalogueJsonSchema(): object {
  const file = z.strictObject({
    services: z.array(agreeing(serviceFields.extend({ workload: workloadFileSchema }))).min(1),
  });
  return { ...z.toJSONSchema(file, { io: 'input' }), title: 'Speed Gate service catalogue' };
}
