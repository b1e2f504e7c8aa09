/** What is compared: stock, and what a person tuned by hand. */
import {
  requireStackConfiguration,
  type NodeResources,
  type StackConfiguration,
  type StackValues,
} from '../../../gate-service/src/stack/configuration.ts';
import { STOCK_VALUES } from '../../../gate-service/src/stack/stock.ts';

/** "tuned" of headroom.md, with the 832 threads that rule 6 asks for. */
const BY_HAND: Partial<StackValues> = {
  'httpd.threadLimit': 100,
  'httpd.threadsPerChild': 100,
  'httpd.maxRequestWorkers': 800,
  'httpd.serverLimit': 16,
  'httpd.startServers': 8,
  'httpd.minSpareThreads': 100,
  'httpd.maxSpareThreads': 800,
  'httpd.maxKeepAliveRequests': 0,
  'httpd.listenBacklog': 2048,
  'proxy.max': 100,
  'jetty.maxThreads': 832,
  'jetty.minThreads': 50,
  'jetty.acceptQueueSize': 1024,
};

/** @throws InvalidConfigurationError on a machine that is too small for 800 workers */
export function handTuned(resources: NodeResources): StackConfiguration {
  return requireStackConfiguration({ ...STOCK_VALUES, ...BY_HAND }, resources);
}
