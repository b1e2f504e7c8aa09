package checkout;

import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;

/** Keeps a build that is broken on purpose from starting, as a bad database password would. */
public final class StartCheck implements ServletContextListener {
  @Override
  public void contextInitialized(ServletContextEvent event) {
    Build build = Build.load();
    if (build.broken().equals("start")) {
      throw new IllegalStateException(
          "Build " + build.version() + " of checkout does not start: it is broken on purpose");
    }
  }
}
