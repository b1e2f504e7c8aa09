package checkout;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * What tells one build of this application from another: `build.properties` inside the WAR.
 *
 * @param version      shown in every answer
 * @param medianMs     median of the wait, in milliseconds
 * @param sigma        standard deviation of the wait's logarithm
 * @param scale        factor on every wait: 1.25 is a build that is 25 % slower
 * @param failingKind  kind of request of which a share answers 500, or empty
 * @param failingShare that share, 0 to 1
 * @param broken       "", "start" (the application does not start) or "answers" (it answers 500 to everything)
 */
record Build(
    String version,
    double medianMs,
    double sigma,
    double scale,
    String failingKind,
    double failingShare,
    String broken) {

  static Build load() {
    Properties properties = new Properties();
    try (InputStream in = Build.class.getResourceAsStream("/build.properties")) {
      if (in == null) {
        throw new IllegalStateException("The WAR holds no WEB-INF/classes/build.properties");
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String version = properties.getProperty("version");
    if (version == null) {
      throw new IllegalStateException("build.properties names no version");
    }
    return new Build(
        version,
        number(properties, "wait.median.ms", 40),
        number(properties, "wait.sigma", 0.5),
        number(properties, "wait.scale", 1),
        properties.getProperty("failing.kind", ""),
        number(properties, "failing.share", 0),
        properties.getProperty("broken", ""));
  }

  private static double number(Properties properties, String key, double otherwise) {
    return Double.parseDouble(properties.getProperty(key, Double.toString(otherwise)));
  }
}
