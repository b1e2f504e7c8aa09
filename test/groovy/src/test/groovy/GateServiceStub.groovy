import com.sun.net.httpserver.HttpExchange
import java.security.MessageDigest
import java.util.concurrent.CountDownLatch

/** Answers as the gate service does for one run, with the faults that a test plans. */
class GateServiceStub extends GateServer {
    static final String TOKEN = 'a-token-that-must-never-show'

    /** The finished run. */
    Map run = [id: 'run-1', service: 'checkout', build: 'b' * 64, createdAt: '2026-03-01T12:00:00.000Z', phase: 'finished', decision: 'promote', cause: 'met',
               summary: 'All thresholds were met.', evidence: [[outcome: 'met', sentence: 'p50 is 0.4 % slower.']],
               codeEffect: [], configurationEffect: null, configuration: [hash: 'c0ffee']]
    List<Map> events = [[sequence: 1, type: 'phase', message: 'measuring'], [sequence: 2, type: 'phase', message: 'promoting'],
                        [sequence: 3, type: 'decision', message: 'promote (met)']]
    /** Faults of the next requests to a path: a status, a map (status, headers, text), 'cut' (within the body) or 'none'. */
    Map<String, List> failures = [:]
    /** Promotions of the service, newest first. */
    List<Map> promotions = []
    /** Called with each request, before it is answered. */
    Closure onRequest = { Map request -> }
    /** Answer to POST /v1/runs when it is to be a problem. */
    Map problem
    /** Counted down when the step follows the run for the first time. */
    final CountDownLatch followed = new CountDownLatch(1)
    /** Places in the queue that the run has, one for each time it is asked for. */
    List<Map> queued = []
    /** Whether nothing happens while the run is queued; otherwise each look comes with an event, so that no step waits. */
    boolean isQuiet = false
    /** While true the run does not finish. */
    volatile boolean endless = false

    List<Map> requestsTo(String method, String path) {
        return new ArrayList(requests).findAll { it.method == method && it.path == path }
    }

    @Override
    protected void handle(HttpExchange exchange) {
        byte[] body = exchange.requestBody.bytes
        String path = exchange.requestURI.path
        Map request = [method: exchange.requestMethod, path: path, body: body, at: System.nanoTime(),
                       key: exchange.requestHeaders.getFirst('Idempotency-Key')]
        requests << request
        onRequest(request)
        Object fault = failures[path] ? failures[path].remove(0) : 'none'
        if (fault == 'cut') {
            exchange.sendResponseHeaders(200, 1000)
            exchange.responseBody.write('{"id":'.bytes)
            exchange.responseBody.flush()
            exchange.close()
        } else if (fault != 'none') {
            Map planned = fault instanceof Map ? fault : [status: fault]
            planned.headers?.each { name, value -> exchange.responseHeaders.set(name, value) }
            if (planned.text) {
                exchange.sendResponseHeaders(planned.status as int, 0)
                exchange.responseBody << planned.text
                exchange.close()
            } else {
                answer(exchange, planned.status as int, [title: 'Planned failure', detail: 'planned'])
            }
        } else if (exchange.requestHeaders.getFirst('Authorization') != "Bearer ${TOKEN}") {
            answer(exchange, 401, [title: 'Unauthorized', detail: 'no such token'])
        } else if (exchange.requestMethod == 'PUT') {
            String digest = MessageDigest.getInstance('SHA-256').digest(body).encodeHex()
            boolean same = path == "/v1/builds/${digest}"
            answer(exchange, same ? 201 : 422, [sha256: digest])
        } else if (path == '/v1/runs') {
            problem ? answer(exchange, problem.status, problem) : answer(exchange, 202, [id: 'run-1', build: (new groovy.json.JsonSlurper().parse(body) as Map).build])
        } else if (path == '/v1/runs/run-1/events') {
            int after = exchange.requestURI.query.split('=')[1] as int
            followed.countDown()
            answer(exchange, 200, [events: new ArrayList(events).findAll { it.sequence > after }])
        } else if (path == '/v1/runs/run-1') {
            if (queued) {
                if (!isQuiet) { events << [sequence: events.size() + 1, type: 'phase', message: 'queued still'] }
                answer(exchange, 200, [id: 'run-1', phase: 'queued', queue: queued.remove(0)])
            } else {
                answer(exchange, 200, endless ? [id: 'run-1', phase: 'measuring'] : run)
            }
        } else if (path == '/v1/runs/run-1/cancel') {
            answer(exchange, 202, [id: 'run-1'])
        } else if (path == '/v1/services/checkout/promotions') {
            answer(exchange, 200, [items: promotions])
        } else {
            answer(exchange, 404, [title: 'Not found', detail: path])
        }
    }
}
