/** What a routing must keep on every platform before anything is changed. */
import { PlatformError, type MeasurementRouting, type ProductionRouting } from './platform.ts';

/** @throws PlatformError `refused` unless all weights are whole numbers within 0..100 that sum to 100 */
export function requireWeights({ service, weights }: ProductionRouting): void {
  const wrong = weights.find(
    ({ weight }) => !Number.isInteger(weight) || weight < 0 || weight > 100,
  );
  if (wrong !== undefined) {
    throw new PlatformError(
      'refused',
      `A weight is a whole number within 0..100, not ${wrong.weight}.`,
    );
  }
  const sum = weights.reduce((total, { weight }) => total + weight, 0);
  if (sum !== 100) {
    throw new PlatformError('refused', `The weights of ${service} must sum to 100, not ${sum}.`);
  }
}

/** @throws PlatformError `refused` for a delay that is planted for an arm that is not routed */
export function requirePlantedArm({ arms, planted }: MeasurementRouting): void {
  if (planted === undefined) return;
  if (arms.some(({ headerValue }) => headerValue === planted.headerValue)) return;
  throw new PlatformError(
    'refused',
    `A delay is planted for one of the arms that are routed; there is none with the header value ${planted.headerValue}.`,
  );
}
