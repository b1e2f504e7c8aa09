/** `env` of a pipeline: what is not set reads as null. */
class EnvironmentVariables implements Serializable {
    List<Map> scopes

    Object getProperty(String name) {
        if (name == 'scopes') { return this.@scopes }
        return this.@scopes.last().get(name)
    }
}
