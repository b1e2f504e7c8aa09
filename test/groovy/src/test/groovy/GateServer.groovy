import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import groovy.json.JsonOutput
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors

/** A real HTTP server in place of the gate service; whoever extends it says what it answers. */
abstract class GateServer {
    /** What was asked, in order: maps of the extending class's making. */
    final List<Map> requests = Collections.synchronizedList([])
    private HttpServer server
    private ExecutorService executor

    /** @return its address; a port of its own */
    String start() {
        server = HttpServer.create(new InetSocketAddress('127.0.0.1', 0), 0)
        executor = Executors.newFixedThreadPool(4)
        server.executor = executor
        server.createContext('/') { HttpExchange exchange -> handle(exchange) }
        server.start()
        return "http://127.0.0.1:${server.address.port}"
    }

    void stop() {
        server.stop(0)
        executor.shutdownNow()
    }

    protected abstract void handle(HttpExchange exchange)

    /** @param body text as it is, anything else as JSON */
    protected static void answer(HttpExchange exchange, int status, Object body) {
        byte[] bytes = (body instanceof String ? body : JsonOutput.toJson(body)).getBytes('UTF-8')
        exchange.responseHeaders.set('Content-Type', status < 400 ? 'application/json' : 'application/problem+json')
        exchange.sendResponseHeaders(status, bytes.length)
        exchange.responseBody.write(bytes)
        exchange.close()
    }
}
