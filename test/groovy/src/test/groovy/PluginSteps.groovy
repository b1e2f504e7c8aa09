import groovy.json.JsonSlurperClassic

/** The interpreter with the steps of the plugins that the library may find in a Jenkins: each records what it was called with. */
class PluginSteps extends PipelineInterpreter {
    /** Names of the steps whose plugin this Jenkins does not have. */
    Set<String> absent = []
    /** What each step was called with, in order. */
    final Map<String, List> calls = Collections.synchronizedMap([:].withDefault { Collections.synchronizedList([]) })
    /** Executors that were held, of each sleep. */
    final List<Integer> heldAsleep = Collections.synchronizedList([])
    /** Nobody answers more dialogs than that: a step that asks on and on fails its test. */
    static final int MOST_DIALOGS = 8
    /** What a person answers to the dialog of `input`; throws to abort. */
    Closure person = { Map dialog -> throw new IllegalStateException('nobody is here to answer') }

    @Override
    protected void registerSteps() {
        super.registerSteps()
        // No test waits for the clock.
        step('sleep', [Map]) { Map options ->
            heldAsleep << executors
            turns.aside { Thread.sleep(20) }
        }
        for (String name : ['junit', 'perfReport', 'publishHTML', 'addBadge', 'addSummary', 'archiveArtifacts']) { recorded(name, [Map]) }
        plugin('milestone', []) { -> calls['milestone'] << [executors: executors] }
        plugin('readYaml', [Map]) { Map options -> new JsonSlurperClassic().parseText(inWorkspace(options.file.toString()).text) }
        // Only what this Jenkins asks a person with; the executors that are held meanwhile are what it must not cost.
        plugin('input', [Map]) { Map options ->
            calls['input'] << options + [executors: executors]
            if (calls['input'].size() > MOST_DIALOGS) { throw new IllegalStateException("asked a person more than ${MOST_DIALOGS} times: ${options.message}") }
            turns.aside { person(options) }
        }
        for (String name : ['text', 'credentials']) { step(name, [Map]) { Map options -> new HashMap(options) } }
        step('checkout', [Map]) { Map scm -> calls['checkout'] << scm }
        binding.setVariable('scm', [source: 'git'])
    }

    private void recorded(String name, List<Class> types) {
        plugin(name, types) { Map options -> calls[name] << options }
    }

    private void plugin(String name, List<Class> types, Closure work) {
        if (!absent.contains(name)) { step(name, types, work) }
    }
}
