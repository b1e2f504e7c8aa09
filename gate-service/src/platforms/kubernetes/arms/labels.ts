/** The marks on everything that the gate owns: by them it is found again, also after a crash. */
import { SERVICE_LABEL, SUBSET_LABEL } from '../../../mesh/istio/resources.ts';
import type { Environment } from '../../../mesh/plan.ts';
import type { ArmRole } from '../../platform.ts';

export { SERVICE_LABEL, SUBSET_LABEL };

export const MANAGED_LABEL = 'app.kubernetes.io/managed-by';
export const MANAGED_BY = 'speed-gate';
/** On the Deployment's selector and its pods: which arm. Never taken off. */
export const ARM_LABEL = 'speed-gate.dev/arm';
export const ENVIRONMENT_LABEL = 'speed-gate.dev/environment';
export const ROLE_LABEL = 'speed-gate.dev/role';
/** Service of an arm's own objects; on pods {@link SERVICE_LABEL} says the same while they are in rotation. */
export const OWNER_LABEL = 'speed-gate.dev/owner';

/** By this label Istio's metrics name an arm, whatever its Deployment is called. */
const REVISION_LABEL = 'service.istio.io/canonical-revision';

export const BUILD_ANNOTATION = 'speed-gate.dev/build';
/** Changed on the pod template where only fresh pods can take a configuration. */
export const REPLACED_ANNOTATION = 'speed-gate.dev/replaced-for';

export interface ArmIdentity {
  readonly id: string;
  readonly service: string;
  readonly environment: Environment;
  readonly role: ArmRole;
}

/** Labels of an arm's own objects. */
export function armLabels({
  environment,
  id,
  role,
  service,
}: ArmIdentity): Readonly<Record<string, string>> {
  return {
    [MANAGED_LABEL]: MANAGED_BY,
    [ARM_LABEL]: id,
    [OWNER_LABEL]: service,
    [ENVIRONMENT_LABEL]: environment,
    [ROLE_LABEL]: role,
  };
}

/** Labels of an arm's pods: those, and the two by which the mesh finds its endpoints. */
export function podLabels(arm: ArmIdentity): Readonly<Record<string, string>> {
  return {
    ...armLabels(arm),
    [SERVICE_LABEL]: arm.service,
    [SUBSET_LABEL]: arm.id,
    [REVISION_LABEL]: arm.id,
  };
}

/** Reads the identity back; `undefined` when a label is missing or odd. */
export function identityOf(labels: Readonly<Record<string, string>>): ArmIdentity | undefined {
  const id = labels[ARM_LABEL];
  const service = labels[OWNER_LABEL];
  const environment = labels[ENVIRONMENT_LABEL];
  const role = ROLES.find((one) => one === labels[ROLE_LABEL]);
  if (labels[MANAGED_LABEL] !== MANAGED_BY || id === undefined || service === undefined) {
    return undefined;
  }
  if ((environment !== 'staging' && environment !== 'production') || role === undefined) {
    return undefined;
  }
  return { id, service, environment, role };
}

const ROLES: readonly ArmRole[] = ['baseline', 'candidate', 'challenger', 'current', 'canary'];
