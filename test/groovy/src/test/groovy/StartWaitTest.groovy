import groovy.json.JsonSlurper
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue

/** A run that is started on one node and waited for elsewhere. */
class StartWaitTest extends GateStepCase {
    private static final String START = "speedGateStart(service: 'checkout', build: 'app.war', wake: 'ci')"
    private static final String PARALLEL = '''
        node {
            parallel(
                one: { speedGate(service: 'checkout', build: 'app.war', gateId: 'one') },
                two: { speedGate(service: 'checkout', build: 'app.war', gateId: 'two') },
            )
        }'''

    @Test
    void 'what start returns is plain, holds no secret, and is enough to wait on another node'() {
        Map run = pipeline.run("node { return ${START} }") as Map
        new ObjectOutputStream(new ByteArrayOutputStream()).writeObject(run)
        assertEquals(run, new JsonSlurper().parseText(groovy.json.JsonOutput.toJson(run)))
        assertEquals('run-1', run.runId)
        assertEquals("${url}/#/runs/run-1".toString(), run.url)
        assertFalse(run.toString().contains(GateServiceStub.TOKEN))

        Map result = pipeline.run("def run\nnode { run = ${START} }\nreturn node { speedGateWait(run) }") as Map
        assertEquals('promote', result.decision)
        assertEquals(2, service.requests.count { it.method == 'PUT' })
    }

    @Test
    void 'outside a node it takes one for each question only'() {
        service.endless = true
        service.events = [[sequence: 1, type: 'phase', message: 'measuring']]
        List<Integer> held = []
        int asked = 0
        service.onRequest = { Map request ->
            if (request.path == '/v1/runs/run-1' && ++asked == 1) {
                service.events << [sequence: 2, type: 'decision', message: 'promote (met)']
                service.endless = false
            }
        }
        pipeline.onSleep = { held << pipeline.executors }
        List<String> waits = []
        pipeline.onStep = { String name, Object[] arguments ->
            if (name == 'sh' && arguments[0].label == 'speed gate: follow') { waits << EnvironmentVariables.current().SPEED_GATE_ARG_4 }
        }
        Map result = pipeline.run("def run = node { speedGateStart(service: 'checkout', build: 'app.war') }\nreturn speedGateWait(run)") as Map
        assertEquals('promote', result.decision)
        assertTrue("slept ${held}", held.size() > 0 && held.every { it == 0 })
        assertTrue("the node was kept for ${waits} s", waits.size() > 1 && waits.every { it == '0' })
    }

    @Test
    void 'the gate wakes it: no executor is held meanwhile, and the gate is asked again'() {
        pipeline.hasWebhooks = true
        service.endless = true
        service.events = [[sequence: 1, type: 'phase', message: 'measuring']]
        Thread gate = Thread.start {
            pipeline.waiting.await(60, TimeUnit.SECONDS)
            service.endless = false
            service.events << [sequence: 2, type: 'decision', message: 'promote (met)']
            pipeline.wake('hook-1')
        }
        Map result = pipeline.run("def run = node { ${START} }\nreturn speedGateWait(run)") as Map
        gate.join()
        assertEquals('promote', result.decision)
        assertEquals(0, pipeline.executorsWhileWaiting)
        Map body = new JsonSlurper().parse(service.requestsTo('POST', '/v1/runs')[0].body) as Map
        assertEquals([endpoint: 'ci', token: 'hook-1'], body.wake)
    }

    @Test
    void 'whoever knows the hook can wake the build, and tell it nothing'() {
        pipeline.hasWebhooks = true
        service.endless = true
        service.events = [[sequence: 1, type: 'phase', message: 'measuring']]
        Thread somebody = Thread.start {
            pipeline.waiting.await(60, TimeUnit.SECONDS)
            pipeline.wake('hook-1')
        }
        String message = failureOf("def run = node { ${START} }\nspeedGateWait(run: run, timeoutMinutes: 0.2)")
        somebody.join()
        assertTrue(message, message.startsWith('GateTimeout: '))
        assertTrue('asked again', service.requestsTo('GET', '/v1/runs/run-1').size() > 0)
    }

    @Test
    void 'without the plugin it says so once and asks by itself'() {
        pipeline.run("def run = node { ${START} }\nspeedGateWait(run)")
        assertEquals(1, new ArrayList(lines).count { it.contains('without the plugin Webhook Step') })
        assertFalse(new String(service.requestsTo('POST', '/v1/runs')[0].body as byte[]).contains('wake'))
    }

    @Test
    void 'an abort while it waits for the hook ends the build and cancels the run'() {
        pipeline.hasWebhooks = true
        service.endless = true
        service.events = [[sequence: 1, type: 'phase', message: 'measuring']]
        Throwable failure = null
        Thread build = Thread.start {
            try { pipeline.run("def run = node { ${START} }\nspeedGateWait(run)") } catch (Throwable thrown) { failure = thrown }
        }
        assertTrue(pipeline.waiting.await(60, TimeUnit.SECONDS))
        pipeline.abort()
        build.join(60_000)
        assertFalse(build.alive)
        assertTrue("${failure}", failure instanceof org.jenkinsci.plugins.workflow.steps.FlowInterruptedException)
        assertEquals(1, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
    }

    @Test
    void 'waits for a run by its id, and names what is no run'() {
        assertEquals('promote', (pipeline.run("node { speedGateWait(run: 'run-1') }") as Map).decision)
        assertTrue(failureOf('node { speedGateWait() }').contains('run is missing'))
        assertTrue(failureOf("node { speedGateWait(run: [id: 'run-1']) }").contains('no runId'))
    }

    @Test
    void 'a build that was uploaded before is not uploaded again'() {
        pipeline.run("speedGate(service: 'checkout', build: '${'a' * 64}')")
        assertEquals(0, service.requests.count { it.method == 'PUT' })
        assertEquals('a' * 64, (new JsonSlurper().parse(service.requestsTo('POST', '/v1/runs')[0].body) as Map).build)
    }

    @Test
    void 'parallel gates of one build each have a run, a key and lines of their own'() {
        pipeline.run(PARALLEL)
        List keys = service.requestsTo('POST', '/v1/runs')*.key
        assertEquals(2, keys.toSet().size())
        assertEquals(2, said('promote (met): All thresholds were met.'))
    }

    @Test
    void 'an abort of parallel gates cancels the run of each'() {
        service.endless = true
        service.events = []
        CountDownLatch following = new CountDownLatch(2)
        pipeline.onStep = { String name, Object[] arguments ->
            if (name == 'sh' && arguments[0].label == 'speed gate: follow') { following.countDown() }
        }
        Throwable failure = null
        Thread build = Thread.start {
            try { pipeline.run(PARALLEL) } catch (Throwable thrown) { failure = thrown }
        }
        assertTrue(following.await(60, TimeUnit.SECONDS))
        pipeline.abort()
        build.join(60_000)
        assertFalse(build.alive)
        assertTrue("${failure}", failure instanceof org.jenkinsci.plugins.workflow.steps.FlowInterruptedException)
        assertEquals(2, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
        assertEquals(2, said('run run-1 was asked to cancel'))
    }
}
