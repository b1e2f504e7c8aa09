/** What can be set, with defaults and bounds: the same for environment variables and the settings file. */
import { z } from 'zod';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const listen = z.string().transform((text, context): ListenAddress => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    context.addIssue({
      code: 'custom',
      message: 'expected HOST:PORT, e.g. 127.0.0.1:7080 or [::1]:7080',
    });
    return z.NEVER;
  }
  return { host, port };
});

const number = (least: number, most: number, unit: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, `expected a number of ${unit}`)
    .transform(Number)
    .pipe(z.number().min(least, `at least ${least} ${unit}`).max(most, `at most ${most} ${unit}`));

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'expected a port, 0 to 65535')
  .transform(Number)
  .pipe(z.number().max(65_535, 'a port is at most 65535'));

const databaseUrl = z
  .string()
  .refine(
    (text) => /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? ''),
    'expected the address of a PostgreSQL database: postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  );

const httpUrl = z
  .string()
  .refine(
    (text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''),
    'expected an address, e.g. http://prometheus.monitoring:9090',
  )
  .transform((text) => text.replace(/\/+$/, ''));

/** Gateways of the mesh: Istio's own proxies, or plain Envoys that istiod configures. */
export const gatewayKindSchema = z.enum(['istio', 'envoy']);
export type GatewayKind = z.infer<typeof gatewayKindSchema>;

/** Values are texts, as the environment has them; the keys are those of the settings file. */
export const settingsSchema = z.object({
  listen: listen.prefault('127.0.0.1:7080'),
  state: z.string().optional(),
  catalogue: z.string('is required: the path of the service catalogue (YAML)'),
  identitiesFile: z.string().optional(),
  webhooksFile: z.string().optional(),
  databaseUrl: databaseUrl.optional(),
  databaseUrlFile: z.string().optional(),
  stagingPort: port.prefault('7081'),
  productionPort: port.prefault('7082'),
  maxBuildMib: number(1, 16_384, 'MiB').prefault('512'),
  retentionDays: number(1, 3_650, 'days').prefault('30'),
  requestsPerMinute: number(10, 1_000_000, 'requests').prefault('1200'),
  platform: z.enum(['local', 'kubernetes']).default('local'),
  agentKeyFile: z.string().optional(),
  kubernetesStagingAccount: z.string().optional(),
  kubernetesProductionAccount: z.string().optional(),
  prometheusUrl: httpUrl.optional(),
  prometheusTargets: z.string().optional(),
  otlpUrl: httpUrl.optional(),
  gateways: gatewayKindSchema.default('istio'),
  gatewayAdminPort: port.prefault('15000'),
  istiodNamespace: z.string().default('istio-system'),
  istiodTokenFile: z.string().default('/var/run/secrets/tokens/istio-token'),
  senderImage: z.string().optional(),
  senderWorkers: number(1, 100, 'workers').prefault('1'),
  nodeCores: number(0.1, 1024, 'cores').prefault('1'),
  nodeMemoryMib: number(512, 1_048_576, 'MiB').prefault('1024'),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  drainSeconds: number(0, 600, 'seconds').prefault('10'),
});

export type SettingKey = keyof typeof settingsSchema.shape;
export const SETTING_KEYS = Object.keys(settingsSchema.shape) as readonly SettingKey[];

/** Settings that are paths: those of a settings file are relative to its folder. */
export const PATHS: ReadonlySet<SettingKey> = new Set<SettingKey>([
  'state',
  'catalogue',
  'identitiesFile',
  'webhooksFile',
  'databaseUrlFile',
  'agentKeyFile',
  'istiodTokenFile',
]);

/** `maxBuildMib` is `SPEED_GATE_MAX_BUILD_MIB`; the database's go by the name that everybody uses. */
export function variableOf(key: SettingKey): string {
  const name = key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return key.startsWith('database') ? name : `SPEED_GATE_${name}`;
}
