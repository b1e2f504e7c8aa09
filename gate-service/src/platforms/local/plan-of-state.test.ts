import { expect, it } from 'vitest';
import { checkPlan } from '../../mesh/rules.ts';
import { STORED_BEFORE } from '../../stack/configurations-fixture.ts';
import { STOCK_VALUES } from '../../stack/stock.ts';
import { planOfState } from './plan-of-state.ts';
import { platformStateSchema } from './state.ts';

function stateWith(values: Readonly<Record<string, unknown>>) {
  const at = { path: '/somewhere' };
  const envoyPorts = { listener: 1, admin: 2 };
  return platformStateSchema.parse({
    format: 1,
    ports: { staging: envoyPorts, production: envoyPorts, prometheus: 3 },
    token: 'a-token-of-the-tests',
    components: {
      httpd: { ...at, serverRoot: '/somewhere' },
      java: at,
      jettyHome: at,
      jolokia: at,
      envoy: at,
      prometheus: at,
    },
    resources: { cores: 2, memoryMiB: 4096, fileDescriptors: 20_000 },
    arms: [
      {
        id: 'checkout-current-1',
        phase: 'present',
        environment: 'production',
        role: 'current',
        service: {
          name: 'checkout',
          hosts: ['checkout.localhost'],
          healthPath: '/health',
          systemProperties: {},
        },
        build: { digest: 'a', location: '/somewhere' },
        values,
        hash: STORED_BEFORE.hash,
        meshValues: values,
        nodes: [1, 2].map((number) => ({
          name: `checkout-current-1-${number}`,
          phase: 'present',
          draining: false,
          ports: { agent: 11, httpd: 12 + number, jetty: [15, 16], jolokia: [17, 18] },
        })),
      },
    ],
    measurement: {},
    production: { checkout: [{ armId: 'checkout-current-1', weight: 100 }] },
  });
}

it('plans the same for a state of before later knobs, as an upgrade finds it', () => {
  const plan = planOfState(stateWith(STORED_BEFORE.values), 'production');
  expect(checkPlan(plan)).toEqual([]);
  expect(plan).toEqual(planOfState(stateWith(STOCK_VALUES), 'production'));
  const [subset] = plan.services[0]!.subsets;
  expect(subset!.policy).toMatchObject({
    maxRequestsPerConnection: 0,
    outlier: { consecutiveGatewayErrors: 3, intervalMs: 500, baseEjectionMs: 2000 },
  });
});
