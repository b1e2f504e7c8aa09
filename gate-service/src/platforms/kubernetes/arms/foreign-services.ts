/** Services that are not the gate's must not send their clients to an arm's pods. */
import { z } from 'zod';
import { PlatformError } from '../../platform.ts';
import type { KubernetesClient } from '../client/client.ts';
import { SERVICE } from '../client/kinds.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { armDeployment, templateOf, type ArmSpecification } from './template.ts';

const serviceSchema = z.looseObject({
  spec: z.looseObject({ selector: z.record(z.string(), z.string()).nullish() }),
});

/**
 * A Service whose selector fits an arm's pods would give them requests past the mesh's weights.
 * @throws PlatformError `refused` naming it, KubernetesError
 */
export async function requireUnselected(
  client: KubernetesClient,
  namespace: string,
  arm: ArmSpecification,
  signal: AbortSignal,
): Promise<void> {
  const labels = templateOf(armDeployment(arm)).spec.template.metadata?.labels ?? {};
  const services = await client.list({ kind: SERVICE, namespace }, { signal });
  const selecting = selectingServices(services, labels);
  const [first] = selecting;
  if (first === undefined) return;
  throw new PlatformError(
    'refused',
    `Service ${first.name} in namespace ${namespace} selects pods by ${first.selector}, which the pods of arm ${arm.identity.id} would carry from the template: it would send them requests past the gate's routes. Add a label to its selector that the template's own selector has, too (the gate leaves those out), or take ${first.selector} out of the pod template.`,
  );
}

/** Services whose selector fits pods with these labels. Pure. */
export function selectingServices(
  services: readonly KubernetesObject[],
  labels: Readonly<Record<string, string>>,
): readonly { readonly name: string; readonly selector: string }[] {
  return services.flatMap((service) => {
    const parsed = serviceSchema.safeParse(service);
    const selector = Object.entries(parsed.data?.spec.selector ?? {});
    if (selector.length === 0 || !selector.every(([key, value]) => labels[key] === value))
      return [];
    // The gate's own Services select by its own labels.
    if (selector.some(([key]) => key.startsWith('speed-gate.dev/'))) return [];
    const words = selector.map(([key, value]) => `${key}=${value}`).join(',');
    return [{ name: service.metadata.name, selector: words }];
  });
}
