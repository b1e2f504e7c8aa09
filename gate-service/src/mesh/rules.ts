/**
 * The rules that every mesh plan obeys, as named predicates over the whole plan. All broken rules
 * are reported at once, with the service and subset they were found in.
 */
import type { ArmRoute, DefaultRoute, MeshPlan, MeshService, RoutePolicy, Subset } from './plan.ts';

export interface PlanViolation {
  readonly rule: string;
  readonly message: string;
}

/** Names become cluster names and metric labels; a dot would split them. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** A host name or an address, without port and without wildcard. */
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})$/;
const HEADER_VALUE = /^[\x21-\x7e]{1,128}$/;
const PATH = /^\/[\x21-\x7e]*$/;
/** Most tries of one request over all layers (rule 5). */
const MAX_ATTEMPTS = 2;
/** istiod scales larger weights down, and the two renderings would differ. */
const MAX_ENDPOINT_WEIGHT = 128;

/** Everything wrong with the plan; empty when it may be rendered. Pure: the same plan gives the same answer. */
export function checkPlan(plan: MeshPlan): readonly PlanViolation[] {
  return [
    ...unique(
      'unique-services',
      plan.services.map((one) => one.name),
      'service name',
    ),
    ...unique(
      'unique-hosts',
      plan.services.flatMap((one) => one.hosts.map((host) => host.toLowerCase())),
      'host',
    ),
    ...plan.services.flatMap((service) => [
      ...checkNames(service),
      ...service.subsets.flatMap((subset) => checkSubset(service, subset)),
      ...service.armRoutes.flatMap((route) => checkArmRoute(plan, service, route)),
      ...unique(
        'unique-arm-headers',
        service.armRoutes.map((route) => route.headerValue),
        `arm header value of ${service.name}`,
      ),
      ...(service.defaultRoute ? checkDefaultRoute(service, service.defaultRoute) : []),
      ...checkRoutedSubsets(service),
    ]),
  ];
}

/** Thrown by {@link requireValidPlan}; `violations` has all that is wrong. */
export class InvalidPlanError extends Error {
  readonly violations: readonly PlanViolation[];
  constructor(violations: readonly PlanViolation[]) {
    const list = violations.map(({ rule, message }) => `${rule}: ${message}`).join(' ');
    super(`The mesh plan breaks ${violations.length} rule(s). ${list}`);
    this.name = 'InvalidPlanError';
    this.violations = violations;
  }
}

/** Throws {@link InvalidPlanError} unless the plan obeys every rule. Every renderer begins with it. */
export function requireValidPlan(plan: MeshPlan): void {
  const violations = checkPlan(plan);
  if (violations.length > 0) throw new InvalidPlanError(violations);
}

function checkNames(service: MeshService): PlanViolation[] {
  const found: PlanViolation[] = [];
  const bad = [service.name, ...service.subsets.map((one) => one.name)].filter(
    (name) => !NAME.test(name),
  );
  for (const name of bad) {
    found.push(
      broken(
        'names',
        service,
        `${JSON.stringify(name)} must be lower-case letters, digits and inner hyphens, at most 63.`,
      ),
    );
  }
  if (service.hosts.length === 0) found.push(broken('hosts', service, 'It has no host.'));
  for (const host of service.hosts.filter((one) => !HOST.test(one))) {
    found.push(
      broken(
        'hosts',
        service,
        `${JSON.stringify(host)} is no plain host name (no port, no wildcard).`,
      ),
    );
  }
  if (!PATH.test(service.healthPath)) {
    found.push(
      broken(
        'health-path',
        service,
        `The health path ${JSON.stringify(service.healthPath)} must begin with / and have no spaces.`,
      ),
    );
  }
  found.push(
    ...unique(
      'unique-subsets',
      service.subsets.map((one) => one.name),
      `subset of ${service.name}`,
    ),
  );
  return found;
}

function checkSubset(service: MeshService, subset: Subset): PlanViolation[] {
  const { policy, endpoints } = subset;
  const found: PlanViolation[] = [];
  const add = (rule: string, message: string): void => {
    found.push(broken(rule, service, `Subset ${subset.name}: ${message}`));
  };
  const positive = {
    connectTimeoutMs: policy.connectTimeoutMs,
    idleTimeoutMs: policy.idleTimeoutMs,
    maxConnections: policy.maxConnections,
    maxPendingRequests: policy.maxPendingRequests,
    consecutiveGatewayErrors: policy.outlier.consecutiveGatewayErrors,
    intervalMs: policy.outlier.intervalMs,
    baseEjectionMs: policy.outlier.baseEjectionMs,
  };
  for (const [name, value] of Object.entries(positive)) {
    if (!isWhole(value, 1, 2 ** 31 - 1))
      add('policy-range', `${name} must be a whole number of at least 1, got ${value}.`);
  }
  const perConnection = policy.maxRequestsPerConnection;
  if (!isWhole(perConnection, 0, 2 ** 31 - 1)) {
    add(
      'policy-range',
      `maxRequestsPerConnection must be a whole number of at least 0, got ${perConnection}.`,
    );
  }
  const percent = policy.outlier.maxEjectionPercent;
  if (!isWhole(percent, 0, 100)) {
    add('policy-range', `maxEjectionPercent must be a whole number within 0..100, got ${percent}.`);
  } else if (endpoints.length > 0) {
    // Rule 9: one node may go, all may not. Of a single node none may.
    const ejectable = Math.floor((percent * endpoints.length) / 100);
    if (ejectable >= endpoints.length) {
      add(
        'ejection-leaves-a-node',
        `maxEjectionPercent ${percent} would let all ${endpoints.length} node(s) be taken out; lower it.`,
      );
    } else if (ejectable < 1 && endpoints.length > 1) {
      add(
        'ejection-takes-a-node',
        `maxEjectionPercent ${percent} of ${endpoints.length} nodes is less than one; raise it to at least ${Math.ceil(100 / endpoints.length)}.`,
      );
    }
  }
  for (const { node, address, port, weight } of endpoints) {
    if (weight !== undefined && !isWhole(weight, 1, MAX_ENDPOINT_WEIGHT)) {
      add(
        'endpoint-weight',
        `The weight of ${node} must be a whole number within 1..${MAX_ENDPOINT_WEIGHT}, got ${weight}; to send it nothing, let it drain.`,
      );
    }
    if (!isWhole(port, 1, 65_535) || !isAddress(address)) {
      add(
        'endpoint-address',
        `${node} has no usable address: ${address}:${port} (an IP address and a port are needed).`,
      );
    }
  }
  found.push(
    ...unique(
      'unique-endpoints',
      endpoints.map((one) => `${one.address}:${one.port}`),
      `endpoint of ${service.name}/${subset.name}`,
    ),
    ...unique(
      'unique-endpoints',
      endpoints.map((one) => one.node),
      `node of ${service.name}/${subset.name}`,
    ),
  );
  return found;
}

function checkArmRoute(plan: MeshPlan, service: MeshService, route: ArmRoute): PlanViolation[] {
  const found = checkRoutePolicy(service, `Arm route ${route.headerValue}`, route);
  if (plan.environment === 'production') {
    found.push(
      broken(
        'no-arm-routes-in-production',
        service,
        `Arm route ${route.headerValue}: production honours no arm headers.`,
      ),
    );
    if (route.plantedDelayMs !== undefined) {
      found.push(
        broken(
          'no-planted-delay-in-production',
          service,
          `Arm route ${route.headerValue}: a delay is planted in staging only.`,
        ),
      );
    }
  }
  if (!HEADER_VALUE.test(route.headerValue)) {
    found.push(
      broken(
        'arm-header-value',
        service,
        `${JSON.stringify(route.headerValue)} is no header value (visible ASCII, at most 128).`,
      ),
    );
  }
  const delay = route.plantedDelayMs;
  if (delay !== undefined && !isWhole(delay, 1, 60_000)) {
    found.push(
      broken(
        'planted-delay-range',
        service,
        `Arm route ${route.headerValue}: the planted delay must be a whole number of ms within 1..60000, got ${delay}.`,
      ),
    );
  }
  return found;
}

function checkDefaultRoute(service: MeshService, route: DefaultRoute): PlanViolation[] {
  const found = checkRoutePolicy(service, 'Default route', route);
  const weights = route.weights.map((one) => one.weight);
  if (!weights.every((weight) => isWhole(weight, 0, 100))) {
    found.push(
      broken(
        'weights-whole',
        service,
        `Weights must be whole numbers within 0..100, got ${weights.join(', ')}.`,
      ),
    );
  }
  const sum = weights.reduce((one, other) => one + other, 0);
  if (sum !== 100) {
    found.push(broken('weights-sum-to-100', service, `Weights must sum to 100, got ${sum}.`));
  }
  found.push(
    ...unique(
      'unique-weights',
      route.weights.map((one) => one.subset),
      `weighted subset of ${service.name}`,
    ),
  );
  return found;
}

function checkRoutePolicy(
  service: MeshService,
  where: string,
  policy: RoutePolicy,
): PlanViolation[] {
  const { timeoutMs, attempts, perTryTimeoutMs } = policy;
  const found: PlanViolation[] = [];
  const add = (rule: string, message: string): void => {
    found.push(broken(rule, service, `${where}: ${message}`));
  };
  if (!isWhole(timeoutMs, 1, 2 ** 31 - 1))
    add('route-timeout', `timeoutMs must be a whole number of at least 1, got ${timeoutMs}.`);
  if (!isWhole(attempts, 0, MAX_ATTEMPTS)) {
    add(
      'tries-bounded',
      `attempts must be a whole number within 0..${MAX_ATTEMPTS}, got ${attempts}.`,
    );
  }
  if (perTryTimeoutMs === undefined) return found;
  if (attempts === 0)
    add('per-try-needs-attempts', 'perTryTimeoutMs has a meaning only with attempts above 0.');
  if (!isWhole(perTryTimeoutMs, 1, 2 ** 31 - 1) || perTryTimeoutMs >= timeoutMs) {
    add(
      'per-try-below-timeout',
      `perTryTimeoutMs (${perTryTimeoutMs}) must be a whole number of at least 1 and below timeoutMs (${timeoutMs}).`,
    );
  }
  return found;
}

/** Rule 10: what gets traffic exists and has someone to take it. */
function checkRoutedSubsets(service: MeshService): PlanViolation[] {
  const weighted = service.defaultRoute?.weights ?? [];
  const named = new Set([
    ...service.armRoutes.map((one) => one.subset),
    ...weighted.map((one) => one.subset),
  ]);
  const fed = new Set([
    ...service.armRoutes.map((one) => one.subset),
    ...weighted.filter((one) => one.weight > 0).map((one) => one.subset),
  ]);
  return [...named].flatMap((name) => {
    const subset = service.subsets.find((one) => one.name === name);
    if (subset === undefined) {
      return [
        broken(
          'routed-subset-exists',
          service,
          `A route goes to subset ${name}, which is not in the plan.`,
        ),
      ];
    }
    const mayBeEmpty = subset.byLabel === true || !fed.has(name);
    if (mayBeEmpty || subset.endpoints.some((one) => !one.draining)) return [];
    return [
      broken(
        'routed-subset-has-endpoint',
        service,
        `A route goes to subset ${name}, which has no endpoint that is not draining.`,
      ),
    ];
  });
}

function unique(rule: string, values: readonly string[], what: string): PlanViolation[] {
  const twice = new Set(values.filter((value, index) => values.indexOf(value) !== index));
  return [...twice].map((value) => ({ rule, message: `The ${what} ${value} is there twice.` }));
}

function broken(rule: string, service: MeshService, message: string): PlanViolation {
  return { rule, message: `Service ${service.name}: ${message}` };
}

function isWhole(value: number, minimum: number, maximum: number): boolean {
  return Number.isSafeInteger(value) && value >= minimum && value <= maximum;
}

function isAddress(address: string): boolean {
  const parts = address.split('.');
  if (parts.length === 4) {
    return parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  }
  return address.includes(':') && /^[0-9A-Fa-f:.]+$/.test(address);
}
