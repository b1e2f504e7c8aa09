import com.sun.net.httpserver.HttpExchange
import groovy.json.JsonSlurperClassic

/** Plays the gate service: a test says what each route answers. */
class GateRoutes extends GateServer {
    static final String TOKEN = 'the-token-of-the-job-that-must-never-show'
    static final String APPROVER = 'the-token-of-the-approver-that-must-never-show'

    /** By `METHOD /path`, whose last part may be `*`: a closure from the request (body, token, ifMatch, query) to `[status, body]`. */
    final Map<String, Closure> routes = Collections.synchronizedMap([:])

    List<Map> requestsTo(String route) { new ArrayList(requests).findAll { it.route == route } }

    @Override
    protected void handle(HttpExchange exchange) {
        byte[] bytes = exchange.requestBody.bytes
        boolean json = exchange.requestHeaders.getFirst('Content-Type') == 'application/json'
        Map request = [
            route  : "${exchange.requestMethod} ${exchange.requestURI.path}".toString(),
            query  : exchange.requestURI.query,
            token  : exchange.requestHeaders.getFirst('Authorization')?.replace('Bearer ', ''),
            ifMatch: exchange.requestHeaders.getFirst('If-Match'),
            body   : json && bytes ? new JsonSlurperClassic().parseText(new String(bytes, 'UTF-8')) : bytes,
        ]
        requests << request
        Closure route = routes[request.route] ?: routes[request.route.replaceFirst('/[^/]*$', '/*')]
        if (!(request.token in [TOKEN, APPROVER])) { answer(exchange, 401, [detail: 'no such token']) }
        else if (route == null) { answer(exchange, 404, [detail: "no ${request.route} here".toString()]) }
        else {
            List result
            try { result = route.call(request) } catch (Throwable failure) { result = [500, [detail: "the test's route failed: ${failure}".toString()]] }
            // Status 0: the connection is cut in place of an answer.
            if (result[0] == 0) { exchange.close() } else { answer(exchange, result[0], result[1]) }
        }
    }
}
