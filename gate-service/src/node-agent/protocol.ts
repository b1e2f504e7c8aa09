/** What a node is told when it starts, and what it says over HTTP: shared by the agent and its client. */
import { z } from 'zod';

/** Values of all knobs by name; the agent hands them to the stack's validator before anything else. */
export const knobValuesSchema = z.record(
  z.string(),
  z.union([z.number(), z.boolean(), z.string()]),
);

export const nodeDescriptionSchema = z.strictObject({
  /** Unique on the platform; also the value of the node's response header. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  /** The node's own folder: configurations by generation, pid records, logs. */
  directory: z.string(),
  address: z.string().default('127.0.0.1'),
  /** Where the agent itself listens; absent: on loopback, as httpd's status does. In a pod the platform calls from outside. */
  agentAddress: z.ipv4().optional(),
  ports: z.strictObject({
    agent: z.int().min(1).max(65535),
    httpd: z.int().min(1).max(65535),
    /** Two colours: the Jetty in use and the one that replaces it. */
    jetty: z.tuple([z.int().min(1).max(65535), z.int().min(1).max(65535)]),
    /** Jolokia beside each Jetty, in the same order. */
    jolokia: z.tuple([z.int().min(1).max(65535), z.int().min(1).max(65535)]),
    /** mod_status, on the loopback interface; the agent looks for a free one unless told. */
    status: z.int().min(1).max(65535).optional(),
  }),
  build: z.strictObject({
    /** SHA-256 of the WAR, lower-case hex; or of the image that brings it. */
    digest: z.string().regex(/^[0-9a-f]{64}$/),
    /** `image`: the container runtime has verified what the node runs. Absent: the digest is the WAR's own, and is checked. */
    digestOf: z.enum(['war', 'image']).optional(),
    war: z.string(),
  }),
  configuration: knobValuesSchema,
  /** Path that must answer below 400 through httpd and Jetty before the node counts as ready. */
  healthPath: z.string().startsWith('/'),
  /** System properties and environment of the application, from the service catalogue. */
  systemProperties: z.record(z.string(), z.string()).default({}),
  components: z.strictObject({
    httpd: z.string(),
    httpdServerRoot: z.string(),
    java: z.string(),
    jettyHome: z.string(),
    jolokia: z.string(),
    /** AppCDS archive, where one was made at set-up. */
    classDataArchive: z.string().optional(),
  }),
  /** JVM with the first compiler only: starts cheaper, runs CPU-bound code slower. Never for a measurement. */
  fastStart: z.boolean().optional(),
  resources: z.strictObject({
    cores: z.number().positive(),
    memoryMiB: z.number().positive(),
    fileDescriptors: z.int().positive(),
    /** Feature release of the JVM at `components.java`; absent = unknown. */
    javaVersion: z.int().positive().optional(),
  }),
  /** Bearer token that the agent asks for on every call but /healthz. */
  token: z.string().min(16),
});
export type NodeDescription = z.infer<typeof nodeDescriptionSchema>;

/** How a configuration took effect, cheapest first. */
export const swapWaySchema = z.enum(['none', 'live', 'route', 'graceful', 'replace']);

export const configurationRequestSchema = z.strictObject({ values: knobValuesSchema });
export type ConfigurationRequest = z.infer<typeof configurationRequestSchema>;

/** Answer of a swap that took effect and was verified. */
export const configurationResponseSchema = z.strictObject({
  hash: z.string(),
  previousHash: z.string(),
  way: swapWaySchema,
  milliseconds: z.number(),
  steps: z.array(z.strictObject({ name: z.string(), milliseconds: z.number() })),
});
export type ConfigurationResponse = z.infer<typeof configurationResponseSchema>;

/** RFC 9457; `code` is one of: invalid-configuration (422), replace-required (409), swap-failed (500), unauthorized (401), busy (409). */
export const agentProblemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.string(),
  /** swap-failed: hash of the configuration that is in force again. */
  restoredHash: z.string().optional(),
  violations: z.array(z.strictObject({ rule: z.string(), message: z.string() })).optional(),
});
export type AgentProblem = z.infer<typeof agentProblemSchema>;

/** Answer of a drain; `quiet`: no request had come for a while, else the time was up. */
export const drainResponseSchema = z.strictObject({
  quiet: z.boolean(),
  milliseconds: z.number(),
});
export type DrainResponse = z.infer<typeof drainResponseSchema>;

const processUsageSchema = z.strictObject({
  pid: z.int(),
  /** CPU seconds since the process (with its children) started. */
  cpuSeconds: z.number(),
  residentMiB: z.number(),
  /** How often the agent had to start it again. */
  restarts: z.int(),
});

export const nodeStatusSchema = z.strictObject({
  name: z.string(),
  health: z.enum(['starting', 'ready', 'degraded', 'stopping', 'stopped']),
  /** Why it is not ready, in words; the end of the component's log where that tells. */
  reason: z.string().optional(),
  buildDigest: z.string(),
  configurationHash: z.string(),
  generations: z.strictObject({
    /** mod_status ParentServerConfigGeneration. */
    httpd: z.int(),
    /** Counts the Jettys this node has started. */
    jetty: z.int(),
  }),
  /** Absent while httpd does not answer. */
  httpd: z
    .strictObject({
      busyWorkers: z.int(),
      idleWorkers: z.int(),
      connectionsTotal: z.int(),
      connectionsAsyncKeepAlive: z.int(),
      totalAccesses: z.int(),
      /** Milliseconds. */
      totalDuration: z.number(),
      stopping: z.int(),
      usage: processUsageSchema,
    })
    .optional(),
  /** Absent while Jetty does not answer. */
  jetty: z
    .strictObject({
      colour: z.int(),
      minThreads: z.int(),
      maxThreads: z.int(),
      threads: z.int(),
      utilizedThreads: z.int(),
      queueSize: z.int(),
      /** Milliseconds. Absent while it cannot be read, and in the report of an agent that is older than this. */
      totalDuration: z.number().optional(),
      usage: processUsageSchema,
    })
    .optional(),
});
export type NodeStatus = z.infer<typeof nodeStatusSchema>;
