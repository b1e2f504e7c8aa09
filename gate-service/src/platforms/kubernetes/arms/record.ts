/** What the gate keeps of an arm, in the arm's own ConfigMap: the cluster itself is the state. Pure. */
import { z } from 'zod';
import { knobValuesSchema } from '../../../node-agent/protocol.ts';
import type { ServiceOnPlatform } from '../../platform.ts';
import { CONFIGURATION_KEY } from './template.ts';

const RECORD_KEY = 'arm.json';

// Loose: what a later version adds is kept, and makes no serving arm unreadable.
const recordSchema = z.looseObject({
  version: z.literal(1),
  service: z.strictObject({
    name: z.string(),
    hosts: z.array(z.string()),
    healthPath: z.string(),
    systemProperties: z.record(z.string(), z.string()),
  }),
  build: z.strictObject({ digest: z.string(), image: z.string() }),
  nodes: z.int().min(1),
  /** Hash and values of the configuration in force. */
  hash: z.string(),
  values: knobValuesSchema,
  /** Those of its knobs that the mesh has; differ from `values` only while a swap is under way. */
  meshValues: knobValuesSchema,
  /** A swap that was begun: whoever finds it puts `values` back in force. */
  applying: z
    .looseObject({
      hash: z.string(),
      values: knobValuesSchema,
      /** Pods that start meanwhile start with these values: fresh ones take the place of the old. */
      fresh: z.boolean().optional(),
    })
    .optional(),
  /** Its removal was begun: it is out of the mesh for good. */
  removing: z.boolean().optional(),
  /** Of what is not the gate's in the pod template that it was made from; see `templateFingerprint`. */
  template: z.string().optional(),
  /** Production's own Deployment runs it, or is about to. */
  primary: z.boolean().optional(),
  /** Removed, but production's own Deployment has not been given another arm yet: its pods go with the next one. */
  retired: z.boolean().optional(),
});
export type ArmRecord = z.infer<typeof recordSchema>;

/** The ConfigMap's data: the record, and the configuration that a container starts with. */
export function dataOf(record: ArmRecord): Readonly<Record<string, string>> {
  return {
    [RECORD_KEY]: JSON.stringify(record),
    [CONFIGURATION_KEY]: JSON.stringify(
      record.applying?.fresh === true ? record.applying.values : record.values,
    ),
  };
}

/** @returns undefined when it is missing or not of this version's making: then nothing may be built on it */
export function recordOf(data: unknown): ArmRecord | undefined {
  const text = z.looseObject({ [RECORD_KEY]: z.string() }).safeParse(data);
  if (!text.success) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text.data[RECORD_KEY]));
  } catch {
    return undefined;
  }
}

/** No swap is under way. */
export function withoutSwap(record: ArmRecord): ArmRecord {
  const settled = { ...record };
  delete settled.applying;
  return settled;
}

export function serviceOf({
  hosts,
  healthPath,
  name,
  systemProperties,
}: ServiceOnPlatform): ArmRecord['service'] {
  return { name, hosts: [...hosts], healthPath, systemProperties: { ...systemProperties } };
}
