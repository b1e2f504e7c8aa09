import java.util.concurrent.TimeUnit
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue

/** A gate service that fails in every way a network has. */
class FaultTest extends GateStepCase {
    private static final String GATE = "node { speedGate(service: 'checkout', build: 'app.war', publish: false) }"

    @Test
    void 'connections cut within an answer are asked again'() {
        service.failures = ['/v1/runs': ['cut'], '/v1/runs/run-1/events': ['cut'], '/v1/runs/run-1': ['cut']]
        assertEquals('promote', (pipeline.run(GATE) as Map).decision)
        List keys = service.requestsTo('POST', '/v1/runs')*.key
        assertEquals(2, keys.size())
        assertEquals(1, keys.toSet().size())
    }

    @Test
    void '429 waits as long as Retry-After asks'() {
        service.failures = ['/v1/runs': [[status: 429, headers: ['Retry-After': '3']]]]
        pipeline.run(GATE)
        List<Map> asked = service.requestsTo('POST', '/v1/runs')
        assertEquals(2, asked.size())
        assertTrue(TimeUnit.NANOSECONDS.toMillis(asked[1].at - asked[0].at) >= 3000)
    }

    @Test
    void 'what the service refuses is not tried again'() {
        for (int status : [400, 404, 409, 422]) {
            service.requests.clear()
            service.failures = ['/v1/runs': [status]]
            assertTrue(failureOf(GATE).startsWith('GateRejected: '))
            assertEquals(1, service.requestsTo('POST', '/v1/runs').size())
        }
    }

    @Test
    void 'a service that is being upgraded decides nothing and ends nothing'() {
        service.failures = ['/v1/runs/run-1/events': [503, 503, 502, 'cut']]
        assertEquals('promote', (pipeline.run(GATE) as Map).decision)
        assertEquals(1, new ArrayList(lines).count { it.startsWith('[speedGate] no answer (') })
        assertEquals(1, said('the gate service answers again'))
        assertEquals(0, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
    }

    @Test
    void 'a service that stays away is no verdict'() {
        service.failures = ['/v1/runs/run-1/events': [503] * 100]
        String message = failureOf("node { speedGate(service: 'checkout', build: 'app.war', unreachableMinutes: 0.02, failBuild: false) }")
        assertTrue(message, message.startsWith('GateUnreachable: ') && message.contains('no verdict') && message.contains('may still be under way'))
        assertEquals(1, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
    }

    @Test
    void 'something that is not JSON is no answer'() {
        service.failures = ['/v1/runs/run-1': [[status: 200, text: '<html>a proxy</html>']]]
        assertEquals('promote', (pipeline.run(GATE) as Map).decision)
        assertTrue(log().contains('not JSON'))
    }

    @Test
    void 'a redirect is no answer'() {
        service.failures = ['/v1/runs': [[status: 302, headers: [Location: '/login']]]]
        String message = failureOf(GATE)
        assertTrue(message, message.startsWith('GateUnreachable: ') && message.contains('a redirect'))
    }

    @Test
    void 'no decision in time cancels the run and says so'() {
        service.endless = true
        service.events = []
        String message = failureOf("def run = node { speedGateStart(service: 'checkout', build: 'app.war') }\nspeedGateWait(run: run, timeoutMinutes: 0.001)")
        assertTrue(message, message.startsWith('GateTimeout: ') && message.contains('Nothing was decided'))
        assertEquals(1, service.requestsTo('POST', '/v1/runs/run-1/cancel').size())
    }

    @Test
    void 'the token is in no log, no script, no argument and no file, whatever fails'() {
        service.failures = ['/v1/runs': [500], '/v1/runs/run-1/events': ['cut']]
        // Anybody on the agent sees the words of a command: this curl writes them down.
        File programs = folder.newFolder('programs')
        File words = new File(programs, 'words')
        String path = System.getenv('PATH')
        new File(programs, 'curl').with {
            text = "#!/bin/sh\nprintf '%s\\n' \"\$@\" >>'${words}'\nPATH='${path}'\nexec curl \"\$@\"\n"
            executable = true
        }
        pipeline.environment.PATH = "${programs}:${path}".toString()
        List<String> texts = Collections.synchronizedList([])
        pipeline.onStep = { String name, Object[] arguments -> texts << "${name} ${arguments}".toString() }
        pipeline.run(GATE)
        assertTrue(texts.any { it.startsWith('sh ') })
        assertTrue(words.text.contains('/v1/runs/run-1/events'))
        for (String text : texts + [log()]) { assertFalse(text, text.contains(GateServiceStub.TOKEN)) }
        folder.root.eachFileRecurse { File file ->
            if (file.file) { assertFalse("${file}", file.getText('UTF-8').contains(GateServiceStub.TOKEN)) }
        }
    }
}
