/** What the cluster has of each service, for a person who looks: changes nothing. */
import type { Environment } from '../../../mesh/plan.ts';
import { messageOf } from '../../wait-until.ts';
import type { KubernetesPlatformOptions } from '../kubernetes-platform.ts';
import { problemsOf } from '../platform/checks.ts';
import { EnvironmentOfService } from '../platform/environment-of-service.ts';

export interface FoundWholeArm {
  readonly id: string;
  readonly role: string;
  /** Its share of production in per cent as it is written; 0 in staging. */
  readonly weight: number;
}

/** What a crash, or an abort that could not undo everything, has left of an arm. */
export interface FoundRest {
  readonly id: string;
  /** `Kind name` of each object. */
  readonly objects: readonly string[];
  /** When the oldest was made; ISO 8601. */
  readonly since?: string;
  /** Its record is of another version of the gate: it may be a whole arm. */
  readonly unreadable: boolean;
}

export interface FoundPlace {
  readonly service: string;
  readonly environment: Environment;
  readonly namespace: string;
  /** What keeps the gate from working here, in words. */
  readonly problems: readonly string[];
  readonly arms: readonly FoundWholeArm[];
  readonly rests: readonly FoundRest[];
}

const ENVIRONMENTS = ['staging', 'production'] as const;

/** Every service in both environments; what cannot be looked at is a problem of its place. */
export async function lookAtCluster(
  options: KubernetesPlatformOptions,
): Promise<readonly FoundPlace[]> {
  const places = options.services.flatMap((service) =>
    ENVIRONMENTS.map((environment) => {
      const { clients, log, proxies } = options;
      return new EnvironmentOfService(service, environment, {
        client: clients[environment],
        proxies,
        log,
      });
    }),
  );
  return Promise.all(places.map((at) => lookAt(at, options)));
}

async function lookAt(
  at: EnvironmentOfService,
  options: KubernetesPlatformOptions,
): Promise<FoundPlace> {
  const { environment, namespace, service } = at;
  const place = { service: service.name, environment, namespace };
  const problems = await problemsOf(at, options);
  try {
    const { arms, leftovers, routes } = await at.state();
    return {
      ...place,
      problems,
      arms: arms.map(({ identity: { id, role } }) => ({
        id,
        role,
        weight: routes.weights.find(({ armId }) => armId === id)?.weight ?? 0,
      })),
      rests: leftovers.map(({ id, objects, since, unreadable }) => ({
        id,
        objects,
        unreadable,
        ...(since !== undefined && { since }),
      })),
    };
  } catch (error) {
    return {
      ...place,
      problems: [...new Set([...problems, messageOf(error)])],
      arms: [],
      rests: [],
    };
  }
}
