/** Stack configurations for nodes of one size. */
import { requireStackConfiguration } from '../../stack/configuration.ts';
import type { NodeResources } from '../../stack/resources.ts';
import { stockConfiguration } from '../../stack/stock.ts';
import type { Configurations } from '../ports.ts';

export function stackConfigurations(resources: NodeResources): Configurations {
  return {
    parse: (values) => requireStackConfiguration(values, resources),
    stock: () => stockConfiguration(resources),
  };
}
