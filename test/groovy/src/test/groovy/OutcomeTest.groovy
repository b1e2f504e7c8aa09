import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertTrue

/** What becomes of a build, for every decision and cause, and for answers that cannot be right. */
class OutcomeTest extends GateStepCase {
    private static final String BUILD = 'a' * 64
    private static final List<String> CAUSES =
        ['breached', 'inconclusive', 'invalid', 'promotion-breached', 'platform-failed', 'cancelled', 'superseded']

    private String gate(String more = '') { "speedGate(service: 'checkout', build: '${BUILD}', publish: false${more})" }

    private void rolledBack(String cause) {
        service.run += [decision: 'rollback', cause: cause, summary: "It was ${cause}. Nothing had to be restored."]
    }

    @Test
    void 'pass and promote let the build go on'() {
        for (String decision : ['pass', 'promote']) {
            service.run += [decision: decision, cause: 'met']
            Map result = pipeline.run("node { ${gate()} }") as Map
            assertEquals([decision, 'met', 'SUCCESS'], [result.decision, result.cause, pipeline.result])
        }
    }

    @Test
    void 'a rollback fails the build whatever its cause, and says what was restored'() {
        for (String cause : CAUSES) {
            rolledBack(cause)
            String message = failureOf("node { ${gate()} }")
            assertTrue(message, message.startsWith("speedGate: rollback (${cause}): It was ${cause}. Nothing had to be restored."))
            assertEquals('FAILURE', pipeline.result)
        }
    }

    @Test
    void 'onInconclusive unstable is for inconclusive and invalid only'() {
        for (String cause : CAUSES) {
            rolledBack(cause)
            boolean lenient = cause in ['inconclusive', 'invalid']
            if (lenient) { pipeline.run("node { ${gate(", onInconclusive: 'unstable'")} }") } else { failureOf("node { ${gate(", onInconclusive: 'unstable'")} }") }
            assertEquals(cause, lenient ? 'UNSTABLE' : 'FAILURE', pipeline.result)
        }
    }

    @Test
    void 'what is not plainly a pass is none'() {
        List odd = [[cause: null], [cause: 'breached'], [evidence: []], [evidence: null], [evidence: [[outcome: 'inconclusive', sentence: 's']]],
                    [evidence: [[outcome: 'met', sentence: 's'], [sentence: 'no outcome']]]]
        Map run = service.run
        for (Map one : odd) {
            service.run = run + one
            String message = failureOf("node { ${gate(", failBuild: false, onInconclusive: 'unstable'")} }")
            assertTrue(message, message.startsWith('GateContradiction: '))
        }
        service.run = run + [decision: 'pass', evidence: []]
        assertTrue('nobody is asked about it', failureOf("node { ${gate(", onPass: 'wait', approvalMinutes: 0.001")} }").startsWith('GateContradiction: '))
        for (Object decision : [null, 'PASS', 'met']) {
            service.run = run + [decision: decision]
            assertTrue(failureOf("node { ${gate()} }").startsWith('speedGate: '))
        }
    }

    @Test
    void 'after a pass it waits for a person when it is asked to'() {
        service.run += [decision: 'pass']
        Map promotion = [id: 'p-1', build: service.run.build, configuration: 'c0ffee', origin: 'person', actor: 'ann', reason: 'looks good',
                         createdAt: '2026-03-01T12:01:00.000Z']
        // Promotions of other builds, and those from before this run, are not what it waits for.
        service.promotions = [promotion + [state: 'completed', build: 'c' * 64], promotion + [state: 'completed', createdAt: '2026-02-28T12:00:00.000Z']]
        int asked = 0
        service.onRequest = { Map request ->
            if (request.path.endsWith('/promotions') && ++asked == 2) { service.promotions = [promotion + [state: 'completed']] }
        }
        pipeline.onSleep = { }
        Map result = pipeline.run("node { ${gate(", onPass: 'wait'")} }") as Map
        assertEquals('ann', result.promotion.actor)
        assertEquals(2, asked)

        // What was in production before comes back by a way back: a person's counts, the service's own does not.
        service.promotions = [promotion + [state: 'returned', origin: 'restore', actor: 'speed-gate', summary: 'a step was breached.'],
                              promotion + [state: 'completed', origin: 'restore', actor: 'bob']]
        assertEquals('bob', (pipeline.run("node { ${gate(", onPass: 'wait'")} }") as Map).promotion.actor)

        service.promotions = [promotion + [state: 'returned', summary: 'errors at 25 %.']]
        assertTrue(failureOf("node { ${gate(", onPass: 'wait'")} }").contains('returned: errors at 25 %.'))
    }

    @Test
    void 'nobody promotes it: the build fails, production was not touched'() {
        service.run += [decision: 'pass']
        String message = failureOf("node { ${gate(", onPass: 'wait', approvalMinutes: 0.001")} }")
        assertTrue(message, message.contains('nobody promoted it') && message.contains('Nothing had to be restored'))
    }

    @Test
    void 'a gate that stays silent while a person is waited for is told as that'() {
        service.run += [decision: 'pass']
        service.failures = ['/v1/services/checkout/promotions': [503] * 50]
        pipeline.onSleep = { }
        String message = failureOf("node { ${gate(", onPass: 'wait', unreachableMinutes: 0.001")} }")
        assertTrue(message, message.startsWith('GateUnreachable: ') && message.contains('has its decision'))
    }

    @Test
    void 'progress is one line in 15 seconds, phases are told always'() {
        List events = [[sequence: 1, type: 'phase', message: 'measuring', at: '2026-03-01T12:00:00.000Z']]
        for (int second = 1; second <= 40; second++) {
            events << [sequence: second + 1, type: second == 20 ? 'phase' : 'progress', message: "at ${second}".toString(),
                       at: String.format('2026-03-01T12:00:%02d.000Z', second)]
        }
        events << [sequence: 42, type: 'decision', message: 'promote (met)', at: '2026-03-01T12:00:41.000Z']
        service.events = events
        pipeline.run("node { ${gate()} }")
        assertEquals(['at 19', 'at 20', 'at 40'], new ArrayList(lines).findAll { it.startsWith('[speedGate] at ') }.collect { it.substring(12) })
    }
}
