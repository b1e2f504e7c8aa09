/** `currentBuild` of a pipeline, as far as the steps ask it. */
class CurrentBuild implements Serializable {
    /** As Jenkins tells them: each with its class under `_class`. */
    List<Map> causes

    List<Map> getBuildCauses(String className) { causes.findAll { it._class == className } }
}
