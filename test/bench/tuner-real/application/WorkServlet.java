package work;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The three kinds of work that the workloads are mixed from, each on the thread that it was given, as
 * most servlets do: /fast answers at once, /wait sleeps, /compute uses a processor.
 */
public final class WorkServlet extends HttpServlet {
  private static final long serialVersionUID = 1;
  private static final int MOST = 100_000_000;

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    switch (request.getServletPath()) {
      case "/health", "/fast" -> answer(response, 200, "done");
      case "/wait" -> {
        try {
          Thread.sleep(number(request, "ms"));
        } catch (InterruptedException stopping) {
          Thread.currentThread().interrupt();
        }
        answer(response, 200, "done");
      }
      case "/compute" -> answer(response, 200, Long.toHexString(rounds(number(request, "rounds"))));
      default -> answer(response, 404, "no such work");
    }
  }

  /** Xorshift (Marsaglia 2003): every round needs the one before, so that nothing is left out. */
  private static long rounds(int count) {
    long state = 0x9e3779b97f4a7c15L;
    for (int round = 0; round < count; round++) {
      state ^= state << 13;
      state ^= state >>> 7;
      state ^= state << 17;
    }
    return state;
  }

  private static int number(HttpServletRequest request, String name) {
    String text = request.getParameter(name);
    return text == null ? 0 : Math.max(0, Math.min(MOST, Integer.parseInt(text)));
  }

  private static void answer(HttpServletResponse response, int status, String text)
      throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    response.setStatus(status);
    response.setContentType("text/plain");
    response.setContentLength(bytes.length);
    response.getOutputStream().write(bytes);
  }
}
