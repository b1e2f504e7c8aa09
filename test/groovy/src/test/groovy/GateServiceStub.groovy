import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import groovy.json.JsonOutput
import java.security.MessageDigest
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors

/** A real HTTP server that answers as the gate service does; the step talks to it through real curl. */
class GateServiceStub {
    static final String TOKEN = 'a-token-that-must-never-show'

    final List<Map> requests = Collections.synchronizedList([])
    /** The finished run. */
    Map run = [id: 'run-1', phase: 'finished', decision: 'promote', cause: 'met', summary: 'All thresholds were met.',
               evidence: [[outcome: 'met', sentence: 'p50 is 0.4 % slower.']], codeEffect: [], configurationEffect: null]
    List<Map> events = [[sequence: 1, message: 'measuring'], [sequence: 2, message: 'promoting']]
    /** How many of the next requests to a path answer with a status of their own. */
    Map<String, List<Integer>> failures = [:]
    /** Answer to POST /v1/runs when it is to be a problem. */
    Map problem
    /** Counted down when the step follows the run for the first time. */
    final CountDownLatch followed = new CountDownLatch(1)
    /** Places in the queue that the run has, one for each time it is asked for. */
    List<Map> queued = []
    /** While true the run does not finish. */
    volatile boolean endless = false

    private HttpServer server
    private final def executor = Executors.newFixedThreadPool(4)

    String start() {
        server = HttpServer.create(new InetSocketAddress('127.0.0.1', 0), 0)
        server.executor = executor
        server.createContext('/') { HttpExchange exchange -> handle(exchange) }
        server.start()
        return "http://127.0.0.1:${server.address.port}"
    }

    void stop() {
        server.stop(0)
        executor.shutdownNow()
    }

    List<Map> requestsTo(String method, String path) {
        return new ArrayList(requests).findAll { it.method == method && it.path == path }
    }

    private void handle(HttpExchange exchange) {
        byte[] body = exchange.requestBody.bytes
        String path = exchange.requestURI.path
        requests << [method: exchange.requestMethod, path: path, body: body,
                     key: exchange.requestHeaders.getFirst('Idempotency-Key')]
        List<Integer> next = failures[path]
        if (next) {
            answer(exchange, next.remove(0), [title: 'Planned failure', detail: 'planned'])
        } else if (exchange.requestHeaders.getFirst('Authorization') != "Bearer ${TOKEN}") {
            answer(exchange, 401, [title: 'Unauthorized', detail: 'no such token'])
        } else if (exchange.requestMethod == 'PUT') {
            String digest = MessageDigest.getInstance('SHA-256').digest(body).encodeHex()
            boolean same = path == "/v1/builds/${digest}"
            answer(exchange, same ? 201 : 422, [sha256: digest])
        } else if (path == '/v1/runs') {
            problem ? answer(exchange, problem.status, problem) : answer(exchange, 202, [id: 'run-1'])
        } else if (path == '/v1/runs/run-1/events') {
            int after = exchange.requestURI.query.split('=')[1] as int
            followed.countDown()
            answer(exchange, 200, [events: events.findAll { it.sequence > after }])
        } else if (path == '/v1/runs/run-1') {
            if (queued) {
                // News, so that the step does not wait long before it asks again.
                events << [sequence: events.size() + 1, message: 'still queued']
                answer(exchange, 200, [id: 'run-1', phase: 'queued', queue: queued.remove(0)])
            } else {
                answer(exchange, 200, endless ? [id: 'run-1', phase: 'measuring'] : run)
            }
        } else if (path == '/v1/runs/run-1/cancel') {
            answer(exchange, 202, [id: 'run-1'])
        } else {
            answer(exchange, 404, [title: 'Not found', detail: path])
        }
    }

    private static void answer(HttpExchange exchange, int status, Map body) {
        byte[] bytes = JsonOutput.toJson(body).getBytes('UTF-8')
        exchange.responseHeaders.set('Content-Type', status < 400 ? 'application/json' : 'application/problem+json')
        exchange.sendResponseHeaders(status, bytes.length)
        exchange.responseBody.write(bytes)
        exchange.close()
    }
}
