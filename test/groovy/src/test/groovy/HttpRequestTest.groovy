import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Path
import java.security.MessageDigest
import org.junit.Before
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue

/** The transport for agents without curl: `httpRequest` as the plugin has it, over a real connection. */
class HttpRequestTest extends GateStepCase {
    private static final String GATE = "node { speedGate(service: 'checkout', build: 'app.war', transport: 'httpRequest', publish: false) }"

    @Before
    void plugins() {
        pipeline.extra = [
            httpRequest: { Map options -> request(options) },
            sha256     : { Map options -> MessageDigest.getInstance('SHA-256').digest(pipeline.inWorkspace(options.file).bytes).encodeHex().toString() },
        ]
        pipeline.onSleep = { }
    }

    private Map request(Map options) {
        assertEquals([true, false, '100:599'], [options.quiet, options.consoleLogResponseBody, options.validResponseCodes])
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(options.url))
        for (Map header : options.customHeaders) {
            assertEquals(header.name == 'Authorization', header.maskValue == true)
            builder.header(header.name, header.value)
        }
        HttpRequest.BodyPublisher body = HttpRequest.BodyPublishers.noBody()
        if (options.requestBody) { body = HttpRequest.BodyPublishers.ofString(options.requestBody) }
        if (options.uploadFile) { body = HttpRequest.BodyPublishers.ofFile(Path.of(pipeline.inWorkspace(options.uploadFile).path)) }
        HttpResponse<String> answer = HttpClient.newHttpClient().send(builder.method(options.httpMode, body).build(), HttpResponse.BodyHandlers.ofString())
        return [status: answer.statusCode(), content: answer.body(), headers: new HashMap(answer.headers().map())]
    }

    @Test
    void 'gates a build without a shell'() {
        assertEquals('promote', (pipeline.run(GATE) as Map).decision)
        assertFalse(pipeline.steps.contains('sh'))
        assertEquals(1, service.requests.count { it.method == 'PUT' })
        assertFalse(log().contains(GateServiceStub.TOKEN))
    }

    @Test
    void 'tries again what may be tried again, and nothing else'() {
        service.failures = ['/v1/runs': ['cut'], '/v1/runs/run-1/events': [[status: 429, headers: ['Retry-After': '2']]]]
        pipeline.run(GATE)
        assertEquals(1, service.requestsTo('POST', '/v1/runs')*.key.toSet().size())
        assertEquals(2, service.requestsTo('POST', '/v1/runs').size())

        service.requests.clear()
        service.failures = ['/v1/runs': [422]]
        assertTrue(failureOf(GATE).startsWith('GateRejected: '))
        assertEquals(1, service.requestsTo('POST', '/v1/runs').size())
    }

    @Test
    void 'a service that is not there is no verdict'() {
        service.stop()
        assertTrue(failureOf(GATE).startsWith('GateUnreachable: '))
        service.start()
    }
}
