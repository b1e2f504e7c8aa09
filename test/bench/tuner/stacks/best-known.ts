/** The best known configurations, found by search-best.ts. Paste its output here when a stack changes. */
import type { Values } from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import type { StackName } from './catalogue.ts';

export interface BestKnown {
  /** True value, ms. */
  readonly value: number;
  readonly values: Values;
}

export const BEST_KNOWN: Readonly<Record<StackName, BestKnown>> = {
  'closed-wait': {
    value: 183.52140460320814,
    values: {
      children: 30,
      threadsPerChild: 17,
      proxyMax: 17,
      acquireMs: 94,
      jettyThreads: 432,
      keepAlive: true,
      keepAliveMs: 60000,
      compression: 3,
      fastShare: 0.6808499647817458,
      balancer: 'least-request',
    },
  },
  'open-tail': {
    value: 81.53881784050982,
    values: {
      children: 3,
      threadsPerChild: 105,
      proxyMax: 94,
      jettyThreads: 75,
      keepAlive: true,
      keepAliveMs: 9801,
      compression: 3,
      fastShare: 0.6979773179624006,
      retries: 1,
      tryMs: 129,
      maxConnections: 5240,
      ejectionPercent: 44,
    },
  },
  mild: {
    value: 28.327398966624347,
    values: {
      keepAlive: true,
      keepAliveMs: 16814,
      compression: 4,
      fastShare: 0.95,
      balancer: 'least-request',
      jettyThreads: 41,
    },
  },
  plateau: {
    value: 33.073371304336014,
    values: {
      children: 1,
      threadsPerChild: 29,
      proxyMax: 29,
      acquireMs: 1455,
      jettyThreads: 35,
      tryMs: 253,
      maxConnections: 6918,
      balancer: 'least-request',
    },
  },
};
