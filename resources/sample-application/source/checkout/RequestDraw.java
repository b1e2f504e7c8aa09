package checkout;

/**
 * Numbers that depend on a request's id alone, so that two builds given the same id wait equally
 * long: what differs between them is then the build, not the draw.
 */
final class RequestDraw {
  /** Beyond four standard deviations (1 in 16,000) the wait is cut off, so no request times out by chance. */
  private static final double CUT_OFF = 4;

  private static final long RADIUS = 1;
  private static final long ANGLE = 2;
  private static final long FAILURE = 3;

  private RequestDraw() {}

  /** Lognormal wait in milliseconds, before the build's scale (Box-Muller over two hashes of the id). */
  static double waitMs(String id, double medianMs, double sigma) {
    double radius = Math.sqrt(-2 * Math.log(1 - uniform(id, RADIUS)));
    double normal = radius * Math.cos(2 * Math.PI * uniform(id, ANGLE));
    return medianMs * Math.exp(sigma * Math.max(-CUT_OFF, Math.min(CUT_OFF, normal)));
  }

  /** Whether this id belongs to the share that fails; independent of its wait. */
  static boolean fails(String id, double share) {
    return uniform(id, FAILURE) < share;
  }

  /** In [0, 1): FNV-1a over the id, then SplitMix64's finalizer, so that consecutive ids are unrelated. */
  private static double uniform(String id, long stream) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < id.length(); i++) {
      hash = (hash ^ id.charAt(i)) * 0x100000001b3L;
    }
    hash += stream * 0x9e3779b97f4a7c15L;
    hash = (hash ^ (hash >>> 30)) * 0xbf58476d1ce4e5b9L;
    hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
    hash ^= hash >>> 31;
    return (hash >>> 11) * 0x1.0p-53;
  }
}
