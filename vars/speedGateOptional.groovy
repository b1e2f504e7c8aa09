/**
 * Internal: calls a step of a plugin that may be absent.
 * @param about step (its name), plugin (the name that people know), loses (what is not there without it)
 * @return whether the step was there; without it one line says what is lost
 */
boolean call(Map about, Closure body) {
    try {
        body()
        return true
    } catch (NoSuchMethodError failure) {
        if (!failure.message?.contains("'${about.step}'")) { throw failure }
        echo("[speedGate] without the plugin ${about.plugin} there is no step ${about.step}: ${about.loses} is left out")
        return false
    }
}
