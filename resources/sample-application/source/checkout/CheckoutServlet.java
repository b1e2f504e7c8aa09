package checkout;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A shop's checkout: `/cart`, `/search` and `/order` wait as their back ends would (without holding
 * a thread of the server) and answer a small JSON document; `/health` answers at once.
 */
public final class CheckoutServlet extends HttpServlet {
  private static final long serialVersionUID = 1;
  private static final Set<String> KINDS = Set.of("cart", "search", "order");
  private static final long ANSWER_LIMIT_MS = 30_000;

  private transient Build build;
  private transient ScheduledExecutorService waiting;

  @Override
  public void init() {
    build = Build.load();
    waiting =
        Executors.newScheduledThreadPool(
            2,
            task -> {
              Thread thread = new Thread(task, "checkout-wait");
              thread.setDaemon(true);
              return thread;
            });
  }

  @Override
  public void destroy() {
    // Requests in flight are still answered: the server waits for them before it stops.
    waiting.shutdown();
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    final long arrived = System.nanoTime();
    if (build.broken().equals("answers")) {
      answer(response, 500, "{\"error\":\"this build is broken on purpose\"}");
      return;
    }
    String kind = request.getServletPath().substring(1);
    if (kind.equals("health")) {
      answer(response, 200, "{\"status\":\"up\",\"version\":\"" + build.version() + "\"}");
      return;
    }
    if (!KINDS.contains(kind)) {
      answer(response, 404, "{\"error\":\"no such page\"}");
      return;
    }
    String method = request.getMethod();
    boolean allowed =
        method.equals("GET") || method.equals("HEAD") || (method.equals("POST") && kind.equals("order"));
    if (!allowed) {
      response.setHeader("Allow", kind.equals("order") ? "GET, HEAD, POST" : "GET, HEAD");
      answer(response, 405, "{\"error\":\"method not allowed\"}");
      return;
    }
    String id = request.getParameter("id");
    if (id == null || !id.matches("[A-Za-z0-9-]{1,64}")) {
      answer(response, 400, "{\"error\":\"id must be 1 to 64 letters, digits or dashes\"}");
      return;
    }
    drain(request);
    answerLater(request, kind, id, arrived);
  }

  private void answerLater(HttpServletRequest request, String kind, String id, long arrived) {
    double waitMs = RequestDraw.waitMs(id, build.medianMs(), build.sigma()) * build.scale();
    AsyncContext context = request.startAsync();
    context.setTimeout(ANSWER_LIMIT_MS);
    long remaining = (long) (waitMs * 1e6) - (System.nanoTime() - arrived);
    Runnable finish = () -> finish(context, kind, id, waitMs);
    try {
      waiting.schedule(finish, remaining, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException stopping) {
      finish.run();
    }
  }

  private void finish(AsyncContext context, String kind, String id, double waitMs) {
    HttpServletResponse response = (HttpServletResponse) context.getResponse();
    try {
      if (kind.equals(build.failingKind()) && RequestDraw.fails(id, build.failingShare())) {
        answer(response, 500, "{\"error\":\"this build fails a share of " + kind + " on purpose\"}");
      } else {
        answer(
            response,
            200,
            String.format(
                Locale.ROOT,
                "{\"kind\":\"%s\",\"id\":\"%s\",\"version\":\"%s\",\"waitMs\":%.3f}",
                kind,
                id,
                build.version(),
                waitMs));
      }
    } catch (IOException gone) {
      getServletContext().log("The client left before its answer: " + gone.getMessage());
    } finally {
      context.complete();
    }
  }

  /** An unread body would keep the connection from being used again. */
  private static void drain(HttpServletRequest request) throws IOException {
    try (InputStream in = request.getInputStream()) {
      in.transferTo(OutputStream.nullOutputStream());
    }
  }

  private static void answer(HttpServletResponse response, int status, String json)
      throws IOException {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    response.setStatus(status);
    response.setContentType("application/json");
    response.setContentLength(bytes.length);
    response.getOutputStream().write(bytes);
  }
}
