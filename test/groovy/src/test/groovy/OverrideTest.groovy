import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException
import org.junit.Before
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue

/** speedGateOverride: in Jenkins' dialog with the approver's own token, and on the page of the gate. */
class OverrideTest extends PipelineCase {
    private static final String STEP = "return speedGateOverride(run: [runId: 'run-1'], where: 'jenkins', submitter: 'release', milestone: true)"
    /** The run as the service has it; orders are added to it. */
    Map run

    @Before
    void playRun() {
        run = runOf(decision: 'rollback', cause: 'inconclusive', summary: 'Too noisy to say.')
        gate.routes['GET /v1/runs/run-1'] = { [200, copy(run)] }
        gate.routes['POST /v1/runs/run-1/override'] = { Map request -> take(request) }
        playProduction()
    }

    private List take(Map request) {
        if (request.token != GateRoutes.APPROVER) { return [403, [detail: 'the right override is missing']] }
        if (request.ifMatch != "\"${run.revision}\"") { return [412, [detail: 'changed']] }
        order(request.body + [actor: 'ann'])
        return [202, copy(run)]
    }

    /** Stored as waiting; acts when the run is looked at again. */
    private void order(Map body, Map end = [state: 'acted']) {
        String id = "o-${run.overrides.size() + 1}"
        Map order = [id: id, state: 'waiting'] + body
        run.overrides = run.overrides + [order]
        run.override = order
        run.revision = "3-${run.overrides.size()}".toString()
        gate.routes["GET /v1/promotions/${id}".toString()] = { [200, promotionOf(id: id, state: 'completed')] }
        int looks = 0
        gate.routes['GET /v1/runs/run-1'] = {
            if (looks++ == 1) { order.putAll(end) }
            [200, copy(run)]
        }
    }

    private List<Map> orders() { gate.requestsTo('POST /v1/runs/run-1/override') }

    @Test
    void 'orders with the token of the approver, and follows the promotion'() {
        pipeline.person = { Map dialog -> [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'ann-own-token'] }
        Map result = pipeline.run(STEP) as Map

        assertEquals([true, 'promote', 'ann', 'acted', 'o-1'], [result.ordered, result.order, result.actor, result.state, result.promotion])
        assertEquals(1, orders().size())
        assertEquals(GateRoutes.APPROVER, orders()[0].token)
        assertEquals('"3-0-none"', orders()[0].ifMatch)
        assertEquals('the machine was too noisy (ann in jenkins-shop-7)', orders()[0].body.reason)
        assertTrue(orders()[0].body.expiresAt ==~ /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/)
        assertTrue(log().contains('is in production by order of ann'))
        assertEquals('checkout: ann ordered promote (acted)', pipeline.currentBuild.description)
    }

    @Test
    void 'the dialog holds no executor, names who may answer, and tells why'() {
        pipeline.person = { Map dialog -> [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'ann-own-token'] }
        pipeline.run(STEP)
        Map dialog = pipeline.calls.input[0]
        assertEquals([0, 'release', 'approver'], [dialog.executors, dialog.submitter, dialog.submitterParameter])
        assertTrue(dialog.message, dialog.message.contains('checkout: rollback (inconclusive). Too noisy to say.'))
        assertEquals(['reason', 'speedGateApproval'], dialog.parameters*.name)
        assertEquals([0], pipeline.calls.milestone*.executors)
    }

    @Test
    void 'inside a node it refuses to wait'() {
        assertTrue(failureOf("node { speedGateOverride(run: 'run-1') }").contains('would hold an executor'))
        assertEquals(0, pipeline.calls.input.size())
    }

    @Test
    void 'a short reason, the token of the job and a token without the right are asked about again'() {
        List answers = [[reason: 'ok', approver: 'ann', speedGateApproval: 'ann-own-token'],
                        [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'speed-gate'],
                        [reason: 'the machine was too noisy', approver: 'bob', speedGateApproval: 'bob-own-token'],
                        [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'ann-own-token']]
        int asked = 0
        gate.routes['POST /v1/runs/run-1/override'] = { Map request ->
            request.body.reason.contains('(bob in') ? [403, [detail: 'bob holds no override']] : take(request)
        }
        pipeline.person = { Map dialog -> answers[asked++] }
        assertEquals('ann', (pipeline.run(STEP) as Map).actor)
        assertEquals(4, asked)
        List said = pipeline.calls.input*.message
        assertTrue(said[1].startsWith('The last order was not taken: say why'))
        assertTrue(said[2].contains("the credentials 'speed-gate' are the job's"))
        assertTrue(said[3].contains('this token may not override: bob holds no override'))
        assertFalse('the token of the job never orders', orders().any { it.token == GateRoutes.TOKEN })
    }

    @Test
    void 'a run that has changed is shown again before it is ordered against'() {
        int asked = 0
        pipeline.person = { Map dialog ->
            if (asked++ == 0) { run.revision = '4-0-none'; run.summary = 'Somebody cancelled it.' }
            [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'ann-own-token']
        }
        pipeline.run(STEP)
        assertEquals(2, orders().size())
        assertTrue(pipeline.calls.input[1].message.contains('have changed meanwhile'))
        assertTrue(pipeline.calls.input[1].message.contains('Somebody cancelled it.'))
    }

    @Test
    void 'an order whose answer gets lost is found again'() {
        gate.routes['POST /v1/runs/run-1/override'] = { Map request -> take(request); [0, null] }
        pipeline.person = { Map dialog -> [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'ann-own-token'] }
        assertEquals('acted', (pipeline.run(STEP) as Map).state)
        assertEquals(1, pipeline.calls.input.size())
        assertEquals(1, orders().size())
    }

    @Test
    void 'without a token it prints the link and waits for the order at the gate'() {
        pipeline.person = { Map dialog -> [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: ''] }
        int looks = 0
        gate.routes['GET /v1/runs/run-1'] = {
            if (++looks == 3) { order(order: 'rollback', actor: 'bob', reason: 'better not'); order(order: 'promote', actor: 'ann', reason: 'on the page') }
            [200, copy(run)]
        }
        Map result = pipeline.run(STEP) as Map
        assertEquals(['ann', 'on the page', 'acted'], [result.actor, result.reason, result.state])
        assertTrue(log().contains("give the order at ${url}/#/runs/run-1"))
        assertTrue(log().contains('bob ordered rollback: better not'))
        assertEquals(0, orders().size())
    }

    @Test
    void 'nobody is asked in Jenkins unless told so, and never in the build of a pull request'() {
        pipeline.environment += [CHANGE_ID: '7']
        int looks = 0
        gate.routes['GET /v1/runs/run-1'] = {
            if (++looks == 3) { order(order: 'promote', actor: 'ann', reason: 'on the page') }
            [200, copy(run)]
        }
        assertEquals('ann', (pipeline.run("return speedGateOverride(run: 'run-1')") as Map).actor)
        assertTrue(failureOf(STEP).contains("no approver's token in the build of a pull request"))
        assertEquals([0, 0], [pipeline.calls.input.size(), pipeline.calls.milestone.size()])
    }

    @Test
    void 'an order that comes to nothing fails the build'() {
        pipeline.person = { Map dialog -> [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'ann-own-token'] }
        for (Map end : [[state: 'expired', outcome: 'it waited too long'], [state: 'refused', outcome: 'superseded by another']]) {
            playRun()
            gate.routes['POST /v1/runs/run-1/override'] = { Map request -> order(request.body + [actor: 'ann'], end); [202, copy(run)] }
            String message = failureOf(STEP)
            assertTrue(message, message.contains("is ${end.state}: ${end.outcome}"))
        }
    }

    @Test
    void 'a promotion by order that goes back fails the build'() {
        pipeline.person = { Map dialog ->
            [reason: 'the machine was too noisy', approver: 'ann', speedGateApproval: 'ann-own-token']
        }
        gate.routes['POST /v1/runs/run-1/override'] = { Map request ->
            List answer = take(request)
            gate.routes['GET /v1/promotions/o-1'] = { [200, promotionOf(id: 'o-1', state: 'returned', summary: 'errors at 5 %.')] }
            answer
        }
        assertTrue(failureOf(STEP).contains('went back: errors at 5 %.'))
    }

    @Test
    void 'an order that stands already is followed, not given again'() {
        order(order: 'promote', actor: 'ann', reason: 'before the controller started again')
        assertEquals('acted', (pipeline.run(STEP) as Map).state)
        assertEquals(0, pipeline.calls.input.size())
    }

    @Test
    void 'an order that has acted counts while production has what it brought, and no longer'() {
        pipeline.person = { Map dialog -> throw new PipelineError('asked again') }
        Map order = [id: 'o-9', order: 'promote', actor: 'ann', reason: 'too noisy', state: 'acted']
        run += [override: order, overrides: [order]]
        String inForce = 'o-9'
        gate.routes['GET /v1/services/checkout'] = { [200, [name: 'checkout', inForce: [build: BUILD, promotionId: inForce]]] }
        for (String state : ['completed', 'returned', 'failed']) {
            gate.routes['GET /v1/promotions/o-9'] = { [200, promotionOf(id: 'o-9', state: state)] }
            if (state == 'completed') { assertEquals('acted', (pipeline.run(STEP) as Map).state) } else { assertEquals('asked again', failureOf(STEP)) }
        }
        gate.routes['GET /v1/promotions/o-9'] = { [200, promotionOf(id: 'o-9', state: 'completed')] }
        inForce = 'p-10'
        assertEquals('asked again', failureOf(STEP))
    }

    @Test
    void 'a service that is away for a while ends no waiting for a person'() {
        int looks = 0
        gate.routes['GET /v1/runs/run-1'] = {
            looks++
            if (looks > 1 && looks < 6) { return [503, [detail: 'it is being upgraded']] }
            if (looks == 7) { order(order: 'promote', actor: 'ann', reason: 'on the page') }
            return [200, copy(run)]
        }
        assertEquals('ann', (pipeline.run("return speedGateOverride(run: 'run-1')") as Map).actor)
        assertTrue(log().contains('the gate service answers again'))
    }

    @Test
    void 'asks nobody where there is nothing to override'() {
        run.decision = 'promote'
        assertEquals(false, (pipeline.run(STEP) as Map).ordered)
        run.decision = 'rollback'
        assertEquals(false, (pipeline.run(STEP.replace(')', ", order: 'rollback')")) as Map).ordered)
        run.phase = 'measuring'
        assertTrue(failureOf(STEP).contains('has no decision yet'))
        assertEquals(0, pipeline.calls.input.size())
    }

    @Test
    void 'an abort of the dialog ends the build'() {
        pipeline.person = { Map dialog -> throw new FlowInterruptedException('Rejected by ann') }
        Throwable thrown = null
        try { pipeline.run(STEP) } catch (Throwable failure) { thrown = failure }
        while (thrown?.cause != null) { thrown = thrown.cause }
        assertTrue("${thrown}", thrown instanceof FlowInterruptedException)
        assertEquals(0, orders().size())
    }
}
