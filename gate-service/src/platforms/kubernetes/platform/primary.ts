/** Production's own Deployment: what it runs now. */
import { productionTemplate } from '../arms/deploy.ts';
import { ARM_LABEL } from '../arms/labels.ts';
import type { TemplateDeployment } from '../arms/template.ts';
import type { EnvironmentOfService } from './environment-of-service.ts';

/** Id of the arm whose pods it makes; undefined where they are none of the gate's, or it is not there. */
export async function primaryRuns(
  at: EnvironmentOfService,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return armIn(await productionTemplate(at.client, at.service.placement, signal));
}

/** Id of the arm in a pod template. */
export function armIn({ spec }: TemplateDeployment): string | undefined {
  return spec.template.metadata?.labels?.[ARM_LABEL];
}
