/** `currentBuild` of a pipeline, as far as the steps use it. */
class CurrentBuild implements Serializable {
    /** As Jenkins tells them: each with its class under `_class`. */
    List<Map> causes
    /** Builds that have started this one. */
    List<CurrentBuild> upstreamBuilds = []
    int number = 1
    String displayName = '#1'
    String description
    /** SUCCESS, UNSTABLE, FAILURE; null while all is well. */
    String result

    List<Map> getBuildCauses(String className) { causes.findAll { it._class == className } }

    String getCurrentResult() { result ?: 'SUCCESS' }
}
