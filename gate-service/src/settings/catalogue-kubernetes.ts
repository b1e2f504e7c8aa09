/** The `kubernetes` part of a service's entry: where its arms live on a cluster, and how traffic gets to them. */
import { z } from 'zod';

/** RFC 1123 label, as namespaces and containers are named. */
const label = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'expected lower-case letters, digits and dashes, at most 63, as Kubernetes names it',
  );
/** RFC 1123 subdomain, as Deployments and Gateways are named. */
const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'expected lower-case letters, digits, dashes and dots, as Kubernetes names it',
  );
const port = z.int().min(1).max(65_535);

const gateway = z.strictObject({
  namespace: label,
  /** Istio's Gateway, which exists already. */
  name: objectName,
  /** Where requests reach the gateway's proxies, from where the load is sent. */
  address: z.strictObject({ host: z.string().min(1), port }),
});

const environment = z.strictObject({
  namespace: label,
  gateways: z.array(gateway).min(1),
  /** Values of the Host header here; the service's `hosts` unless told. */
  hosts: z.array(z.string().min(1)).min(1).optional(),
  /** One of yours that the gate's routes go into, annotated for that; a VirtualService of the gate's own unless told. */
  virtualService: objectName.optional(),
});

const fields = z.strictObject({
  staging: environment,
  production: environment,
  /** Production's Deployment, in production's namespace: arms are made from its pod template. */
  deployment: objectName,
  /** What becomes of production's own Deployment: it stays the template alone, or takes over what was promoted. */
  primary: z.enum(['template', 'takes-over']).optional(),
  /** Where images of its builds come from, without tag or digest; those from elsewhere are refused. */
  repository: z
    .string()
    .max(255)
    .regex(
      /^[a-z0-9][a-z0-9.-]*(:\d{1,5})?(\/[a-z0-9][a-z0-9._-]*)+$/,
      'expected a repository as in an image reference, without tag or digest, e.g. registry.example.com/checkout',
    ),
  /** The container of the template that gets the build's image. */
  container: label,
  ports: z.strictObject({ http: port.default(8080), agent: port.default(9090) }).prefault({}),
  /** Seconds until all pods of a fresh arm must be ready. */
  readySeconds: z.int().min(5).max(3600).default(180),
});
export type KubernetesPart = z.infer<typeof fields>;

/** What the parts say together: each mistake at its own place. */
export const kubernetesSchema = fields.check(({ issues, value }) => {
  const report = (path: readonly (string | number)[], message: string): void => {
    issues.push({ code: 'custom', path: [...path], message, input: value });
  };
  const { ports, production, staging } = value;
  if (staging.namespace === production.namespace) {
    report(
      ['staging', 'namespace'],
      `staging needs a namespace of its own: ${staging.namespace} is production's`,
    );
  }
  if (ports.http === ports.agent) {
    report(['ports', 'agent'], `httpd and the agent cannot both listen on port ${ports.http}`);
  }
  staging.gateways.forEach((one, index) => {
    // Only staging's listeners honour the headers that pick an arm: users must not reach them.
    if (production.gateways.some((other) => isSame(one, other))) {
      report(
        ['staging', 'gateways', index],
        `staging needs a gateway of its own: ${one.namespace}/${one.name} is production's`,
      );
    }
  });
  for (const [name, { gateways }] of Object.entries({ staging, production })) {
    gateways.forEach((one, index) => {
      if (gateways.findIndex((other) => isSame(one, other)) < index) {
        report([name, 'gateways', index], `${one.namespace}/${one.name} is listed already`);
      }
    });
  }
});

/**
 * Places of staging's gateways where production's listen, too, for a host of both: staging's load would reach users' nodes,
 * and users the headers that pick an arm.
 * @param hosts of the service, where an environment names none
 */
export function sharedAddresses(
  { production, staging }: KubernetesPart,
  hosts: readonly string[],
): readonly number[] {
  const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase());
  const ofProduction = new Set(lower(production.hosts ?? hosts));
  if (!lower(staging.hosts ?? hosts).some((host) => ofProduction.has(host))) return [];
  const addressOf = ({ address }: Gateway) => `${address.host.toLowerCase()}:${address.port}`;
  const taken = new Set(production.gateways.map(addressOf));
  return staging.gateways.flatMap((one, index) => (taken.has(addressOf(one)) ? [index] : []));
}

type Gateway = z.infer<typeof gateway>;

function isSame(one: Gateway, other: Gateway): boolean {
  return one.namespace === other.namespace && one.name === other.name;
}
