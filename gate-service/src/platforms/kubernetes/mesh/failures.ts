/** What the API server said to a write of the mesh, as a failure of the platform. */
import { AdoptionError } from '../../../mesh/istio/adoption.ts';
import { InvalidPlanError } from '../../../mesh/rules.ts';
import { PlatformError } from '../../platform.ts';
import { KubernetesError } from '../client/errors.ts';

/**
 * Istio's objects pass istiod's webhook, and nothing is written while istiod is down: that is told
 * apart from an API server that does not answer.
 */
export function meshFailure(error: unknown): unknown {
  if (error instanceof InvalidPlanError) {
    return new PlatformError('invalid-configuration', error.message, { cause: error });
  }
  if (error instanceof AdoptionError) {
    return new PlatformError('refused', error.message, { cause: error });
  }
  if (!(error instanceof KubernetesError)) return error;
  if (error.message.includes('failed calling webhook')) {
    return new PlatformError(
      'component-failed',
      `Istio's validation webhook does not answer, so that no route can be changed; traffic goes on as it was. Look at istiod (pods, Service and endpoints in its namespace), then try again. ${error.message}`,
      { cause: error },
    );
  }
  if (/admission webhook .* denied/.test(error.message)) {
    return new PlatformError('invalid-configuration', error.message, { cause: error });
  }
  if (error.passing || error.failure === 'malformed') {
    return new PlatformError('component-failed', error.message, { cause: error });
  }
  return new PlatformError('refused', error.message, { cause: error });
}
