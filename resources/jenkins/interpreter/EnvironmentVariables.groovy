/** `env` of a pipeline: that of the branch which reads it; what is not set reads as null. */
class EnvironmentVariables implements Serializable {
    /** Variables by branch, each a stack: the innermost withEnv is the last. */
    private static final ThreadLocal<List<Map>> SCOPES = new ThreadLocal<>()

    static void begin(Map variables) { SCOPES.set([new HashMap(variables)]) }

    static Map current() { SCOPES.get().last() }

    static void enter(Map added) { SCOPES.get().add(current() + added) }

    static void leave() { SCOPES.get().remove(SCOPES.get().size() - 1) }

    Object getProperty(String name) { current().get(name) }

    /** As in Jenkins, for the rest of the build: under what a withEnv says. */
    void setProperty(String name, Object value) {
        for (Map scope : SCOPES.get()) { scope[name] = value?.toString() }
    }
}
