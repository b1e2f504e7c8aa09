/** The two configurations between which each way goes back and forth. */
import {
  requireStackConfiguration,
  type NodeResources,
  type StackConfiguration,
  type StackValues,
} from '../../../gate-service/src/stack/configuration.ts';
import { STOCK_VALUES } from '../../../gate-service/src/stack/stock.ts';
import { planSwap } from '../../../gate-service/src/stack/swap-plan.ts';

export type ConfigurationWay = 'route' | 'graceful' | 'replace';

/** Knobs that cost the same way up and down (Jetty's maxThreads would be raised live). */
const CHANGES: Readonly<Record<ConfigurationWay, Partial<StackValues>>> = {
  route: { 'jetty.acceptQueueSize': 100 },
  graceful: { 'httpd.maxRequestWorkers': 175 },
  replace: { 'httpd.listenBacklog': 1023 },
};

/**
 * Stock and its counterpart: applying them in turn, counterpart first, takes this way each time.
 * @throws Error when a knob's cost has changed and the plan takes another way
 */
export function counterparts(
  way: ConfigurationWay,
  resources: NodeResources,
): readonly [StackConfiguration, StackConfiguration] {
  const stock = requireStackConfiguration(STOCK_VALUES, resources);
  const other = requireStackConfiguration({ ...STOCK_VALUES, ...CHANGES[way] }, resources);
  for (const plan of [planSwap(stock, other), planSwap(other, stock)]) {
    if (plan.way === way) continue;
    throw new Error(
      `Changing ${plan.knobs.join(', ')} is now a ${plan.way} swap, not ${way}: give the bench another knob for it.`,
    );
  }
  return [stock, other];
}
