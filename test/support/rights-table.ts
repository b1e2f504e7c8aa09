/** Written by hand: what every route asks for, with a request to it that is about `checkout`. */
import type { Right } from '../../gate-service/src/api/identity/rights.ts';
import { CANDIDATE, CONFIGURATION, IN_FORCE } from './real-api.ts';

/**
 * `service`: the right is needed for the service that the request is about. `all`: for every service. `some`: for
 * at least one, and lists hold only what it is held for. `any`: a known caller. `public`: nobody is asked.
 */
export type Need = 'public' | 'any' | readonly [Right, 'service' | 'all' | 'some'];

const reason = 'because the test says so';
const promotion = { build: IN_FORCE, configuration: CONFIGURATION, reason };
const override = { order: 'promote', reason };

/** What a request about `checkout` looks like; without a body where the route takes none. */
export const TABLE: Readonly<Record<string, readonly [Need, string?, object?]>> = {
  'GET /healthz': ['public'],
  'GET /readyz': ['public'],
  'GET /openapi.json': ['public'],
  'GET /v1/sign-in': ['public'],
  'GET /v1/schemas/catalogue.json': ['public'],
  'GET /v1/schemas/workload.json': ['public'],
  'GET /': ['public'],
  'GET /services': ['public'],
  'GET /services/*': ['public', '/services/checkout'],
  'GET /runs': ['public'],
  'GET /runs/*': ['public', '/runs/finished-checkout'],
  'GET /queue': ['public'],
  'GET /audit': ['public'],
  'GET /signed-in': ['public'],
  'GET /icon.svg': ['public'],
  'GET /assets/*': ['public', '/assets/none.js'],
  'GET /metrics': [['read', 'all']],
  'GET /v1/me': ['any'],
  'GET /v1/builds/:sha256': [['read', 'some'], `/v1/builds/${CANDIDATE}`],
  'PUT /v1/builds/:sha256': [['run', 'some'], `/v1/builds/${CANDIDATE}`, {}],
  'GET /v1/services': [['read', 'some']],
  'GET /v1/services/:name': [['read', 'service'], '/v1/services/checkout'],
  'GET /v1/services/:name/history': [['read', 'service'], '/v1/services/checkout/history'],
  'GET /v1/services/:name/decisions': [['read', 'service'], '/v1/services/checkout/decisions'],
  'GET /v1/services/:name/trend': [['read', 'service'], '/v1/services/checkout/trend'],
  'GET /v1/services/:name/configuration': [
    ['read', 'service'],
    '/v1/services/checkout/configuration',
  ],
  'GET /v1/services/:name/promotions': [['read', 'service'], '/v1/services/checkout/promotions'],
  'POST /v1/services/:name/promotions': [
    ['promote', 'service'],
    '/v1/services/checkout/promotions',
    promotion,
  ],
  'PUT /v1/services/:name/reference': [
    ['override', 'service'],
    '/v1/services/checkout/reference',
    { build: IN_FORCE, reason },
  ],
  'GET /v1/promotions/:id': [['read', 'service'], '/v1/promotions/promotion-checkout'],
  'GET /v1/queue': [['read', 'some']],
  'GET /v1/runs': [['read', 'some']],
  'POST /v1/runs': [['run', 'service'], '/v1/runs', { service: 'checkout', build: CANDIDATE }],
  'GET /v1/runs/:id': [['read', 'service'], '/v1/runs/finished-checkout'],
  'GET /v1/runs/:id/events': [['read', 'service'], '/v1/runs/finished-checkout/events'],
  'GET /v1/runs/:id/evidence': [['read', 'service'], '/v1/runs/finished-checkout/evidence'],
  'GET /v1/runs/:id/samples': [['read', 'service'], '/v1/runs/finished-checkout/samples'],
  'GET /v1/runs/:id/results.jtl': [['read', 'service'], '/v1/runs/finished-checkout/results.jtl'],
  'GET /v1/runs/:id/junit.xml': [['read', 'service'], '/v1/runs/finished-checkout/junit.xml'],
  'GET /v1/runs/:id/report.html': [['read', 'service'], '/v1/runs/finished-checkout/report.html'],
  'GET /v1/runs/:id/judgements': [['read', 'service'], '/v1/runs/finished-checkout/judgements'],
  'GET /v1/runs/:id/judgements/:judgement': [
    ['read', 'service'],
    '/v1/runs/finished-checkout/judgements/judgement-checkout',
  ],
  'POST /v1/runs/:id/judgements': [
    ['run', 'service'],
    '/v1/runs/finished-checkout/judgements',
    { thresholds: ['p50 < 1s'] },
  ],
  'POST /v1/runs/:id/cancel': [['run', 'service'], '/v1/runs/queued-checkout/cancel'],
  'POST /v1/runs/:id/override': [
    ['override', 'service'],
    '/v1/runs/finished-checkout/override',
    override,
  ],
  'GET /v1/audit': [['admin', 'some']],
  'GET /v1/deliveries': [['admin', 'all']],
  'POST /v1/deliveries/:id/retry': [['admin', 'all'], '/v1/deliveries/delivery-checkout/retry'],
};
