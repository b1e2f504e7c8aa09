import groovy.json.JsonSlurper
import java.nio.file.Files
import java.security.MessageDigest
import java.util.concurrent.TimeUnit
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue

/** speedGate: what it asks for, returns, refuses and says. */
class SpeedGateTest extends GateStepCase {
    private static final String ARGUMENTS = "service: 'checkout', build: 'app.war'"

    private static String gateOf(String arguments) {
        return "node { def verdict = speedGate(${arguments}); echo \"verdict \${verdict.decision} of \${verdict.runId}\" }"
    }

    private Object gate(String arguments = ARGUMENTS) { pipeline.run(gateOf(arguments)) }

    private String refused(String arguments = ARGUMENTS) { failureOf(gateOf(arguments)) }

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
        // What a Jenkinsfile can say about itself does not hide a person.
        pipeline.environment += [BUILD_USER_ID: 'bob']
        gate()
        pipeline.causes = [[_class: 'hudson.model.Cause$UserIdCause', userId: 'null']]
        gate()
        pipeline.upstreamCauses = [[_class: 'hudson.model.Cause$UserIdCause', userId: 'eve']]
        gate()
        List people = service.requestsTo('POST', '/v1/runs').collect { (new JsonSlurper().parse(it.body) as Map).startedBy }
        assertEquals([null, 'ann', 'ann', 'bob', 'eve'], people)
    }

    @Test
    void 'nobody may say in the Jenkinsfile who started the build'() {
        assertTrue(refused("service: 'checkout', build: 'app.war', startedBy: 'somebody else'").contains("unknown argument 'startedBy'"))
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
    void 'a queue that stands still is told of once in four questions'() {
        service.events = []
        service.queued = (1..14).collect { [ahead: 2, reason: 'waits for 2 runs'] }
        service.isQuiet = true
        pipeline.run("def run = node { speedGateStart(${ARGUMENTS}) }\nspeedGateWait(run: run, publish: false)")
        assertEquals(1, said('queued, 2 ahead: waits for 2 runs'))
        assertEquals(3, new ArrayList(lines).count { it.startsWith('[speedGate] still queued, 2 ahead: waits for 2 runs (followed for ') })
    }

    @Test
    void 'a rollback fails the build and says why'() {
        service.run += [decision: 'rollback', cause: 'breached', summary: 'p50 is 23 % slower. Nothing had to be restored.']
        String message = refused()
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
        refused("service: 'checkout', build: 'app.war', onInconclusive: 'unstable'")
    }

    @Test
    void 'inconclusive fails by default'() {
        service.run += [decision: 'rollback', cause: 'inconclusive', summary: 'too noisy.']
        assertTrue(refused().contains('inconclusive'))
    }

    @Test
    void 'a service that is not there is no verdict'() {
        service.stop()
        String message = refused()
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
        String message = refused()
        assertTrue(message, message.startsWith('GateUnreachable: ') && message.contains('503'))
    }

    @Test
    void 'the idempotency key stays the same for the same build of the same gate'() {
        service.failures['/v1/runs'] = [500]
        gate()
        gate()
        List keys = service.requestsTo('POST', '/v1/runs')*.key
        assertEquals(3, keys.size())
        assertEquals(1, keys.toSet().size())
        assertTrue(keys[0], keys[0].startsWith('jenkins-shop-7:checkout:'))
    }

    @Test
    void 'long names of jobs and builds are cut to what the service takes, and still told apart'() {
        String job = 'jenkins-' + 'folder-' * 40
        for (int build = 1; build <= 2; build++) {
            pipeline.environment += [BUILD_TAG: "${job}${build}".toString(), BUILD_DISPLAY_NAME: 'release ' * 20]
            gate()
        }
        List<Map> asked = service.requestsTo('POST', '/v1/runs')
        assertTrue(asked.every { it.key.length() <= 255 && (new JsonSlurper().parse(it.body) as Map).label.length() == 80 })
        assertEquals(2, asked*.key.toSet().size())
    }

    @Test
    void 'a wrong token is named as such'() {
        pipeline.secrets = ['speed-gate': 'another-token']
        String message = refused()
        assertTrue(message, message.startsWith('GateRefused: ') && message.contains('credentialsId'))
        assertEquals('not tried again', 1, service.requests.size())
    }

    @Test
    void 'a problem of the service is shown in its own words'() {
        service.problem = [status: 422, title: 'Unprocessable', detail: 'service "checkuot" is not in the catalogue']
        String message = refused()
        assertTrue(message, message.startsWith('GateRejected: ') && message.contains('"checkuot" is not in the catalogue'))
    }

    @Test
    void 'a missing build is named'() {
        String message = refused("service: 'checkout', build: 'nothing.war'")
        assertTrue(message, message.startsWith('GateNotAsked: there is no file nothing.war in the workspace'))
        assertEquals(0, service.requests.size())
    }

    @Test
    void 'an agent that lacks what the question takes is named, and asked no more'() {
        for (String program : ['curl', 'sha256sum']) {
            pipeline.environment.PATH = programsWithout(program)
            String message = refused()
            assertTrue(message, message.startsWith("GateNotAsked: ${program} is not installed on this agent"))
        }
        assertEquals(0, service.requests.size())
    }

    /** A folder with the programs of this machine that the helper uses, but one. */
    private String programsWithout(String program) {
        File programs = folder.newFolder()
        for (String one : ['cat', 'curl', 'cut', 'grep', 'mktemp', 'mv', 'rm', 'sed', 'sh', 'sha256sum', 'sleep', 'tail', 'tr'] - program) {
            File found = System.getenv('PATH').split(':').collect { new File(it, one) }.find { it.canExecute() }
            Files.createSymbolicLink(new File(programs, one).toPath(), found.toPath())
        }
        return programs.path
    }

    @Test
    void 'all wrong arguments are reported at once, unknown ones with the nearest known'() {
        String message = refused("servce: 'checkout', promote: 'perhaps', tune: 3, failBuild: 'no', thresholds: []")
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
    void 'what was sent leaves no file behind, also when it was refused'() {
        File temporary = folder.newFolder('temporary')
        pipeline.environment.TMPDIR = temporary.path
        List<Boolean> seen = []
        service.onRequest = { Map request -> seen << (temporary.list().length > 0) }
        gate()
        service.problem = [status: 422, title: 'Unprocessable', detail: 'planned']
        refused()
        assertEquals('a file there while it asks', [true] as Set, seen as Set)
        for (File folder : [temporary, pipeline.temporaryFolder()]) { assertEquals([], folder.list() as List) }
    }

    @Test
    void 'what was sent arrives letter by letter'() {
        String text = 'Zoë "the $HOME" O\'Neil \\n $$ `id` %s 中'
        pipeline.environment.BUILD_USER_ID = text
        // A workload with data is longer than one variable may be.
        pipeline.run("node { speedGate(${ARGUMENTS}, workload: [data: [rows: [env.BUILD_USER_ID] * 3000]]) }")
        Map sent = new JsonSlurper().parse(service.requestsTo('POST', '/v1/runs')[0].body) as Map
        assertEquals(text, sent.startedBy)
        assertEquals([text] * 3000, sent.workload.data.rows)
    }

    @Test
    void 'names from a pull request are not parsed by the shell'() {
        File marker = new File(folder.root, 'made-by-injection')
        for (String name : ['a $(touch x).war', 'b $BUILD_TAG $$ {1,2}.war', '-c.war']) {
            new File(pipeline.workspace, name).text = name
            gate("service: 'checkout\"; touch ${marker.path}; \"', build: '${name}'")
            String digest = MessageDigest.getInstance('SHA-256').digest(name.bytes).encodeHex()
            assertEquals(name, 1, service.requests.count { it.method == 'PUT' && it.path == "/v1/builds/${digest}" })
        }
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
        assertTrue(service.followed.await(30, TimeUnit.SECONDS))
        pipeline.abort()
        build.join(60_000)
        assertFalse('the build ended', build.alive)
        assertEquals(1, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
    }
}
