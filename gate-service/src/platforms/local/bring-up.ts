/** Starting or adopting everything that the state asks for. */
import { PARALLEL_STARTS } from './context.ts';
import { inParallel } from './in-parallel.ts';
import { recoverArms } from './recover.ts';
import { ENVIRONMENTS, type Runtime } from './runtime.ts';
import { messageOf } from '../wait-until.ts';

/**
 * Proxies first, with the routes that were in force, so that production answers at once; then what
 * watches, the nodes, and what was cut off. A node that does not come up keeps nothing else down.
 * @throws PlatformError when a proxy or Prometheus does not start
 */
export async function bringUp({
  context,
  supervisor,
  proxies,
  prometheus,
}: Runtime): Promise<void> {
  for (const environment of ENVIRONMENTS) {
    const { component, publisher } = proxies[environment];
    if (!(await component.isRunning())) await publisher.prepare(context.mesh.plan(environment));
    await component.ensureRunning();
    supervisor.watch(component);
  }
  await prometheus.ensureRunning();
  supervisor.watch(prometheus);
  const nodes = context.state.state.arms.flatMap((arm) =>
    arm.phase === 'present' ? arm.nodes.filter(({ phase }) => phase === 'present') : [],
  );
  await inParallel(nodes, PARALLEL_STARTS, undefined, async (node) => {
    try {
      await context.fleet.adopt(node);
    } catch (error) {
      context.log.warn(messageOf(error));
    }
  });
  for (const environment of ENVIRONMENTS) await context.mesh.republish(environment);
  await recoverArms(context);
}
