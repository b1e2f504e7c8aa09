/** What a service had in production before what it has now. */
import { SERVICE, type TestGate } from './gate-fixture.ts';

export interface FormerBuild {
  readonly build: string;
  readonly configurationHash: string;
}

/** From the history: after a way back the last known good is in force itself. @throws Error when there was nothing else */
export async function formerBuild(gate: TestGate): Promise<FormerBuild> {
  const { inForce } = await gate.service();
  const { body } = await gate.call<{ readonly items: readonly FormerBuild[] }>(
    'GET',
    `/v1/services/${SERVICE}/history`,
  );
  const former = body.items.find(({ build }) => build !== inForce?.build);
  if (former === undefined) throw new Error('production never had another build');
  return former;
}
