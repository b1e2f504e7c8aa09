import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue
import static org.junit.Assert.fail

/** A controller that starts again while a gate is under way. */
class RestartTest extends GateStepCase {
    private static final String GATE = "return node { return speedGate(service: 'checkout', build: 'app.war', publish: false) }"
    private static final String START_THEN_WAIT =
        "def run = node { return speedGateStart(service: 'checkout', build: 'app.war') }\nreturn speedGateWait(run: run, publish: false)"
    /** The harness' own: they belong to the steps `node`, `withEnv` and `withCredentials`. */
    private static final List<String> SCOPES = ['enterVariables', 'enterSecrets', 'leaveScope']

    private RestartablePipeline restartable(String jenkinsfile) { new RestartablePipeline({ newPipeline() }, jenkinsfile) }

    private static boolean follows(String name, List arguments) { name == 'sh' && arguments[0].label == 'speed gate: follow' }

    private void untilAskedAgain() {
        service.endless = true
        service.events = [[sequence: 1, type: 'phase', message: 'measuring']]
    }

    private void decide() {
        service.endless = false
        service.events << [sequence: 2, type: 'decision', message: 'promote (met)']
    }

    @Test
    void 'a restart at every step goes on with the same run, and says each thing once'() {
        RestartablePipeline program = restartable(GATE)
        program.restarts = { String name, List arguments -> 'before' }
        Map result = program.run() as Map
        assertEquals(['promote', 'run-1'], [result.decision, result.runId])
        assertTrue("${program.restarted} restarts", program.restarted > 25 && program.restarted == program.written)
        assertEquals(1, service.requestsTo('POST', '/v1/runs').size())
        assertEquals(0, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
        for (String line : ['measuring', 'promoting', 'promote (met): All thresholds were met.']) { assertEquals(line, 1, said(line)) }
    }

    @Test
    void 'a step whose answer the restart has lost is done again, and makes no second run'() {
        RestartablePipeline program = restartable(GATE)
        program.restarts = { String name, List arguments -> name in SCOPES ? null : 'after' }
        assertEquals('promote', (program.run() as Map).decision)
        List<Map> submitted = service.requestsTo('POST', '/v1/runs')
        assertEquals(2, submitted.size())
        assertEquals('the service takes both for one', 1, submitted*.key.toSet().size())
        assertEquals(0, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
    }

    @Test
    void 'a restart while it waits on no executor asks the service again'() {
        untilAskedAgain()
        RestartablePipeline program = restartable(START_THEN_WAIT)
        int asked = -1
        program.restarts = { String name, List arguments ->
            if (name != 'sleep' || asked >= 0) { return null }
            decide()
            asked = service.requestsTo('GET', '/v1/runs/run-1').size()
            return 'before'
        }
        assertEquals('promote', (program.run() as Map).decision)
        assertEquals(1, program.restarted)
        assertTrue(service.requestsTo('GET', '/v1/runs/run-1').size() > asked)
        assertEquals(1, said('measuring'))
        assertEquals(1, service.requestsTo('POST', '/v1/runs').size())
    }

    @Test
    void 'an abort after a restart still cancels the run'() {
        untilAskedAgain()
        RestartablePipeline program = restartable(START_THEN_WAIT)
        program.restarts = { String name, List arguments -> name == 'sleep' ? 'before' : null }
        program.aborts = { String name, List arguments -> name == 'sleep' }
        try {
            program.run()
            fail('the build went on')
        } catch (FlowInterruptedException expected) {
            assertEquals(1, program.restarted)
            assertEquals(1, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
        }
    }

    @Test
    void 'a question that the restart has broken is put again'() {
        boolean broken = false
        RestartablePipeline program = new RestartablePipeline({
            PipelineInterpreter interpreter = newPipeline()
            interpreter.onStep = { String name, Object[] arguments ->
                if (!broken && follows(name, arguments as List)) { broken = true; throw new PipelineError('script returned exit code -1') }
            }
            return interpreter
        }, GATE)
        program.restarts = { String name, List arguments -> !broken && follows(name, arguments) ? 'before' : null }
        assertEquals('promote', (program.run() as Map).decision)
        assertTrue(broken)
        assertEquals(1, said('the gate service answers again'))
    }

    @Test
    void 'what is written at every step holds no secret'() {
        RestartablePipeline program = restartable(GATE)
        program.onWritten = { byte[] disk -> assertFalse(new String(disk, 'ISO-8859-1').contains(GateServiceStub.TOKEN)) }
        assertEquals('promote', (program.run() as Map).decision)
        assertTrue("${program.written} steps", program.written > 25)
    }
}
