import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue

/** speedGatePromote and speedGateRollback. */
class PromotionStepsTest extends PipelineCase {
    private static final String PROMOTE = "return speedGatePromote(run: 'run-1', reason: 'the release meeting agreed')"
    private static final String ROLL_BACK = "return speedGateRollback(service: 'checkout', reason: 'the smoke test failed')"

    private void playRun(Map changes = [:]) {
        gate.routes['GET /v1/runs/run-1'] = { [200, runOf(changes)] }
    }

    private void playService(Map changes = [:]) {
        Map service = [name: 'checkout', inForce: [build: BUILD, configurationHash: CONFIGURATION],
                       lastKnownGood: [build: BEFORE, configurationHash: CONFIGURATION]] + changes
        gate.routes['GET /v1/services/checkout'] = { [200, service] }
    }

    private List<Map> orders() { gate.requestsTo('POST /v1/services/checkout/promotions') }

    @Test
    void 'promotes what passed, tells each step once and waits for the end'() {
        playRun()
        playProduction()
        Map result = pipeline.run("return node { $PROMOTE }") as Map

        assertEquals([BUILD, CONFIGURATION], [orders()[0].body.build, orders()[0].body.configuration])
        assertEquals('the release meeting agreed (jenkins-shop-7)', orders()[0].body.reason)
        assertEquals(1, new ArrayList(lines).count { it == '[speedGate] checkout at 25 %: held for 8 s' })
        assertEquals(1, new ArrayList(lines).count { it == '[speedGate] checkout at 50 %: held for 8 s' })
        assertTrue(log().contains('[speedGate] checkout: build bbbbbbbbbbbb is in production'))
        assertEquals('SUCCESS', pipeline.result)
        assertEquals([true, 'p-1'], [result.promoted, result.promotion])
    }

    @Test
    void 'returns the promotion, and need not wait for it'() {
        playRun()
        playProduction()
        assertEquals([promoted: true, promotion: 'p-1', runId: 'run-1'], pipeline.run(PROMOTE))
        playProduction()
        assertEquals([promoted: false, promotion: 'p-1', runId: 'run-1'], pipeline.run(PROMOTE.replace(')', ', wait: false)')))
    }

    @Test
    void 'holds no executor while it waits'() {
        playRun()
        playProduction()
        List held = []
        Closure look = gate.routes['POST /v1/services/checkout/promotions']
        gate.routes['POST /v1/services/checkout/promotions'] = { Map request -> held << pipeline.executors; look.call(request) }
        pipeline.run(PROMOTE)
        assertEquals('one to give the order', [1], held)
        assertTrue("${pipeline.heldAsleep}", pipeline.heldAsleep.size() > 0 && pipeline.heldAsleep.every { it == 0 })
    }

    @Test
    void 'promotes nothing that did not pass'() {
        playProduction()
        for (Map changes : [[decision: 'rollback', cause: 'breached'], [decision: 'pass', cause: 'inconclusive'], [decision: null, cause: null, phase: 'measuring'],
                            [configuration: null]]) {
            playRun(changes)
            assertTrue(failureOf(PROMOTE).startsWith('speedGatePromote: run run-1 '))
        }
        assertEquals(0, orders().size())
    }

    @Test
    void 'a run that promoted by itself is not promoted again'() {
        playProduction()
        playRun(decision: 'promote')
        assertEquals([promoted: true, promotion: null, runId: 'run-1'], pipeline.run(PROMOTE))
        assertEquals(0, orders().size())
    }

    @Test
    void 'a promotion that goes back fails the build'() {
        playRun()
        playProduction(state: 'returned', summary: 'errors rose to 3 % at 25 %.')
        String message = failureOf(PROMOTE)
        assertTrue(message, message.contains('went back: errors rose to 3 % at 25 %.'))
        playProduction(state: 'failed', summary: 'no nodes.')
        assertTrue(failureOf(PROMOTE).contains('failed: no nodes.'))
    }

    @Test
    void 'an order whose answer gets lost is found again, not given twice'() {
        playRun()
        playProduction()
        Closure taken = gate.routes['POST /v1/services/checkout/promotions']
        gate.routes['POST /v1/services/checkout/promotions'] = { Map request -> taken.call(request); [0, null] }
        assertEquals('p-1', (pipeline.run(PROMOTE) as Map).promotion)
        assertEquals(1, orders().size())
    }

    @Test
    void 'an order that was not taken is given again'() {
        playRun()
        playProduction()
        Closure taken = gate.routes['POST /v1/services/checkout/promotions']
        int asked = 0
        gate.routes['POST /v1/services/checkout/promotions'] = { Map request -> asked++ == 0 ? [503, [detail: 'restarting']] : taken.call(request) }
        assertEquals('p-1', (pipeline.run(PROMOTE) as Map).promotion)
        assertEquals(2, orders().size())
    }

    @Test
    void 'a refusal is told in the words of the service, and is final'() {
        playRun()
        playProduction()
        gate.routes['POST /v1/services/checkout/promotions'] = { [409, [detail: 'a promotion of this service takes somebody else']] }
        String message = failureOf(PROMOTE)
        assertTrue(message, message.startsWith('GateRejected: ') && message.contains('takes somebody else'))
        assertEquals(1, orders().size())
    }

    @Test
    void 'a service that is away for a moment does not end the waiting'() {
        playRun()
        playProduction()
        Closure taken = gate.routes['POST /v1/services/checkout/promotions']
        gate.routes['POST /v1/services/checkout/promotions'] = { Map request ->
            List answer = taken.call(request)
            Closure look = gate.routes['GET /v1/promotions/p-1']
            int away = 3
            gate.routes['GET /v1/promotions/p-1'] = { Map asked -> away-- > 0 ? [503, [detail: 'restarting']] : look.call(asked) }
            answer
        }
        assertEquals(true, (pipeline.run(PROMOTE) as Map).promoted)
        assertTrue(log().contains('[speedGate] no answer about promotion p-1'))
    }

    @Test
    void 'goes back to the last known good'() {
        playService()
        playProduction()
        assertEquals([restored: true, promotion: 'p-1', build: BEFORE], pipeline.run(ROLL_BACK))
        assertEquals(BEFORE, orders()[0].body.build)
        assertTrue(log().contains('build aaaaaaaaaaaa is in production again'))
    }

    @Test
    void 'with a run, goes back only from its build'() {
        String step = "return speedGateRollback(run: [runId: 'run-1'], reason: 'the smoke test failed')"
        playRun()
        playProduction()
        playService(inForce: [build: BEFORE, configurationHash: CONFIGURATION])
        assertEquals([restored: false, promotion: null, build: BEFORE], pipeline.run(step))
        assertEquals(0, orders().size())
        playService()
        assertEquals([restored: true, promotion: 'p-1', build: BEFORE], pipeline.run(step))
    }

    @Test
    void 'waits for a promotion that is under way before it goes back'() {
        playService(promotion: promotionOf(id: 'p-9'))
        playProduction()
        gate.routes['GET /v1/promotions/p-9'] = { playService(); [200, promotionOf(id: 'p-9', state: 'returned')] }
        assertEquals(true, (pipeline.run(ROLL_BACK) as Map).restored)
        assertTrue(log().contains('waits for the promotion p-9'))
    }

    @Test
    void 'says when there is nothing to go back to, and when that fails'() {
        playProduction()
        playService(lastKnownGood: null)
        assertTrue(failureOf(ROLL_BACK).contains('has no last known good build'))
        playService(inForce: [build: BEFORE, configurationHash: CONFIGURATION])
        assertTrue(failureOf(ROLL_BACK).contains('runs its last known good build already'))
        assertEquals(0, orders().size())
        playService()
        playProduction(state: 'failed', summary: 'no nodes.')
        assertTrue(failureOf(ROLL_BACK).contains('failed: no nodes.'))
    }

    @Test
    void 'wrong arguments are said all at once'() {
        String message = failureOf("speedGatePromote(reasn: 'x', reason: 'short', timeoutMinutes: 'long')")
        for (String part : ["'reasn' (did you mean 'reason'?)", 'run is missing', "reason is 'short', expected at least 10 characters", "timeoutMinutes is 'long'"]) {
            assertTrue("${part} in ${message}", message.contains(part))
        }
        assertTrue(failureOf("speedGateRollback(reason: 'the smoke test failed')").contains('give service'))
        assertTrue(failureOf("speedGatePromote(run: [:], reason: 'the release meeting agreed')").contains('expected what speedGate returned'))
        assertFalse(gate.requests.any())
    }
}
