import groovy.json.JsonSlurper
import org.junit.After
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue
import static org.junit.Assert.fail

/** The step on the pipeline's CPS interpreter, `sh` and curl real, against a real HTTP server. */
class SpeedGateTest {
    @Rule
    public TemporaryFolder folder = new TemporaryFolder()

    final GateServiceStub service = new GateServiceStub()
    final List<String> lines = Collections.synchronizedList([])
    PipelineInterpreter pipeline
    String url

    @Before
    void start() {
        url = service.start()
        File workspace = folder.newFolder('workspace')
        new File(workspace, 'app.war').text = 'not really a WAR; the stub does not look inside'
        pipeline = new PipelineInterpreter(
            library: new File(System.getProperty('library.root')), workspace: workspace,
            environment: [SPEED_GATE_URL: url, BUILD_TAG: 'jenkins-shop-7', BUILD_DISPLAY_NAME: '#7', SPEED_GATE_TRIES: '2'],
            secrets: ['speed-gate': GateServiceStub.TOKEN],
            log: { String line -> lines << line })
    }

    @After
    void stop() { service.stop() }

    private String log() { new ArrayList(lines).join('\n') }

    private Object gate(String arguments = "service: 'checkout', build: 'app.war'") {
        return pipeline.run("node { def verdict = speedGate(${arguments}); echo \"verdict \${verdict.decision} of \${verdict.runId}\" }")
    }

    private String failureOf(String arguments = "service: 'checkout', build: 'app.war'") {
        try {
            gate(arguments)
        } catch (Throwable failure) {
            Throwable cause = failure
            while (!(cause instanceof PipelineError) && cause.cause != null) { cause = cause.cause }
            assertTrue("not an error of the step: ${cause}", cause instanceof PipelineError)
            return cause.message
        }
        fail("the step did not fail:\n${log()}")
        return null
    }

    @Test
    void 'uploads, submits, follows and returns the decision'() {
        gate("service: 'checkout', build: 'app.war', promote: 'auto', tune: [evaluations: 2, seconds: 60], thresholds: ['p50 <= baseline + 5%']")

        Map body = new JsonSlurper().parse(service.requestsTo('POST', '/v1/runs')[0].body) as Map
        assertEquals('checkout', body.service)
        assertEquals('#7', body.label)
        assertEquals([evaluations: 2, seconds: 60], body.tune)
        assertEquals(['p50 <= baseline + 5%'], body.thresholds)
        assertEquals(1, service.requests.count { it.method == 'PUT' && it.path == "/v1/builds/${body.build}" })
        assertTrue(log().contains('[speedGate] measuring\n'))
        assertTrue(log().contains('[speedGate] promote (met): All thresholds were met.'))
        assertTrue(log().contains('verdict promote of run-1'))
        assertEquals(0, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
        assertEquals('SUCCESS', pipeline.result)
    }

    @Test
    void 'says each event once'() {
        service.run.phase = 'finished'
        gate()
        assertEquals(1, new ArrayList(lines).count { it == '[speedGate] promoting' })
    }

    @Test
    void 'tells who started the build by hand, and nobody when nobody did'() {
        gate()
        pipeline.causes = [[_class: 'hudson.triggers.SCMTrigger$SCMTriggerCause'],
                           [_class: 'hudson.model.Cause$UserIdCause', userId: 'ann', userName: 'Ann']]
        gate()
        pipeline.environment += [BUILD_USER_ID: 'bob']
        gate()
        List people = service.requestsTo('POST', '/v1/runs').collect { (new JsonSlurper().parse(it.body) as Map).startedBy }
        assertEquals([null, 'ann', 'bob'], people)
    }

    @Test
    void 'nobody may say in the Jenkinsfile who started the build'() {
        assertTrue(failureOf("service: 'checkout', build: 'app.war', startedBy: 'somebody else'").contains("unknown argument 'startedBy'"))
    }

    @Test
    void 'says what it waits for once, and what the answer is worth'() {
        service.queued = [[ahead: 2, reason: 'waits for 2 runs'], [ahead: 2, reason: 'waits for 2 runs'], [ahead: 0, reason: 'it is next']]
        service.run += [earlierRuns: 2, loosened: ['p50 <= baseline + 25% instead of p50 <= baseline + 10%'],
                        override: [actor: 'ann'],
                        overrides: [[actor: 'ann', order: 'rollback', state: 'acted', reason: 'errors at night', outcome: 'promotion p-1 begins']]]
        gate()
        assertEquals(1, new ArrayList(lines).count { it == '[speedGate] queued, 2 ahead: waits for 2 runs' })
        assertEquals(1, new ArrayList(lines).count { it == '[speedGate] queued, 0 ahead: it is next' })
        for (String line : ['this build had 2 run(s) before this one',
                            'loosened for this run: p50 <= baseline + 25% instead of p50 <= baseline + 10%',
                            'override (acted): ann orders rollback: errors at night – promotion p-1 begins']) {
            assertTrue(line, log().contains("[speedGate] ${line}\n"))
        }
    }

    @Test
    void 'a rollback fails the build and says why'() {
        service.run += [decision: 'rollback', cause: 'breached', summary: 'p50 is 23 % slower. Nothing had to be restored.']
        String message = failureOf()
        assertTrue(message, message.contains('rollback (breached): p50 is 23 % slower. Nothing had to be restored.'))
        assertEquals('FAILURE', pipeline.result)
    }

    @Test
    void 'failBuild false only reports a rollback'() {
        service.run += [decision: 'rollback', cause: 'breached', summary: 'slower.']
        gate("service: 'checkout', build: 'app.war', failBuild: false")
        assertEquals('SUCCESS', pipeline.result)
        assertTrue(log().contains('verdict rollback of run-1'))
    }

    @Test
    void 'inconclusive may be unstable, breached never is'() {
        service.run += [decision: 'rollback', cause: 'inconclusive', summary: 'too noisy.']
        gate("service: 'checkout', build: 'app.war', onInconclusive: 'unstable'")
        assertEquals('UNSTABLE', pipeline.result)

        service.run += [cause: 'breached']
        failureOf("service: 'checkout', build: 'app.war', onInconclusive: 'unstable'")
    }

    @Test
    void 'inconclusive fails by default'() {
        service.run += [decision: 'rollback', cause: 'inconclusive', summary: 'too noisy.']
        assertTrue(failureOf().contains('inconclusive'))
    }

    @Test
    void 'a service that is not there is no verdict'() {
        service.stop()
        String message = failureOf()
        assertTrue(message, message.startsWith('GateUnreachable: '))
        assertTrue(message, message.contains('no verdict'))
        service.start()
    }

    @Test
    void 'a 503 is tried again, and is no verdict when it stays'() {
        service.failures['/v1/runs'] = [503]
        gate()
        assertEquals(2, service.requestsTo('POST', '/v1/runs').size())

        service.failures['/v1/runs'] = [503, 503]
        String message = failureOf()
        assertTrue(message, message.startsWith('GateUnreachable: ') && message.contains('503'))
    }

    @Test
    void 'the idempotency key stays the same for the same build of the same gate'() {
        service.failures['/v1/runs'] = [500]
        gate()
        List keys = service.requestsTo('POST', '/v1/runs')*.key
        assertEquals(2, keys.size())
        assertEquals(1, keys.toSet().size())
        assertTrue(keys[0], keys[0].startsWith('jenkins-shop-7:checkout:'))
    }

    @Test
    void 'a wrong token is named as such'() {
        pipeline.secrets = ['speed-gate': 'another-token']
        String message = failureOf()
        assertTrue(message, message.startsWith('GateRefused: ') && message.contains('credentialsId'))
        assertEquals('not tried again', 1, service.requests.size())
    }

    @Test
    void 'a problem of the service is shown in its own words'() {
        service.problem = [status: 422, title: 'Unprocessable', detail: 'service "checkuot" is not in the catalogue']
        String message = failureOf()
        assertTrue(message, message.startsWith('GateRejected: ') && message.contains('"checkuot" is not in the catalogue'))
    }

    @Test
    void 'a missing build is named'() {
        assertTrue(failureOf("service: 'checkout', build: 'nothing.war'").contains('there is no file nothing.war'))
    }

    @Test
    void 'all wrong arguments are reported at once, unknown ones with the nearest known'() {
        String message = failureOf("servce: 'checkout', promote: 'perhaps', tune: 3, failBuild: 'no', thresholds: []")
        for (String part : ["'servce' (did you mean 'service'?)", 'service is missing', 'build is missing', "promote is 'perhaps'",
                            "tune is '3'", "failBuild is 'no'", "thresholds is '[]'"]) {
            assertTrue("${part} in ${message}", message.contains(part))
        }
        assertEquals(0, service.requests.size())
    }

    @Test
    void 'the secret is neither in the log nor in a file of the workspace'() {
        service.failures['/v1/runs'] = [500]
        gate()
        assertFalse(log().contains(GateServiceStub.TOKEN))
        folder.root.eachFileRecurse { File file ->
            if (file.file) { assertFalse("${file}", file.text.contains(GateServiceStub.TOKEN)) }
        }
    }

    @Test
    void 'names from a pull request are not parsed by the shell'() {
        File marker = new File(folder.root, 'made-by-injection')
        new File(pipeline.workspace, 'a $(touch x).war').text = 'odd name'
        gate("service: 'checkout\"; touch ${marker.path}; \"', build: 'a \$(touch x).war'".replace('$', '\\$'))
        assertFalse(marker.exists())
        assertFalse(new File(pipeline.workspace, 'x').exists())
    }

    @Test
    void 'an aborted build cancels its run'() {
        service.endless = true
        service.events = []
        Thread build = Thread.start {
            try { gate() } catch (Throwable ignored) { }
        }
        assertTrue(service.followed.await(30, java.util.concurrent.TimeUnit.SECONDS))
        build.interrupt()
        build.join(60_000)
        assertFalse('the build ended', build.alive)
        assertEquals(1, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
    }

    @Test
    void 'every variable has its help'() {
        File vars = new File(System.getProperty('library.root'), 'vars')
        List groovy = vars.listFiles().findAll { it.name.endsWith('.groovy') }
        assertTrue(groovy.size() > 0)
        for (File file : groovy) {
            assertTrue("${file.name} has no .txt", new File(vars, file.name.replace('.groovy', '.txt')).length() > 0)
        }
    }
}
