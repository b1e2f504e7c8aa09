/**
 * Declarative pipelines, as far as the examples use them: stages on their agents, `when`, `post`. No validation: what Jenkins'
 * own parser would refuse passes here.
 */
class DeclarativeSteps extends PluginSteps {
    /** Names of the stages whose steps ran, in order. */
    final List<String> stages = []

    /** What is open: the pipeline, then the stage. */
    private final List<Map> open = []

    @Override
    protected void registerSteps() {
        super.registerSteps()
        binding.setVariable('any', 'any')
        binding.setVariable('none', 'none')
        step('pipeline', [Closure]) { Closure body -> opened([agent: 'none'], body) }
        step('agent', [String]) { String agent -> open.last().agent = agent }
        step('stages', [Closure]) { Closure body -> attempted { helper.callClosure(body) } }
        step('stage', [String, Closure]) { String name, Closure body -> opened([name: name, agent: 'none', wanted: true], body) }
        step('steps', [Closure]) { Closure body ->
            if (open.last().wanted && !open*.failure.any()) {
                stages << open.last().name
                attempted { helper.callClosure(body) }
            }
        }
        step('script', [Closure]) { Closure body -> helper.callClosure(body) }
        for (String name : ['options', 'triggers', 'parameters', 'post']) { step(name, [Closure]) { Closure body -> helper.callClosure(body) } }
        for (String name : ['disableConcurrentBuilds', 'timeout']) { step(name, [Map]) { Map given -> } }
        step('cron', [String]) { String given -> }
        registerConditions()
    }

    private void registerConditions() {
        step('when', [Closure]) { Closure body -> helper.callClosure(body) }
        step('branch', [String]) { String name -> restrict(EnvironmentVariables.current().BRANCH_NAME == name) }
        step('changeRequest', []) { -> restrict(EnvironmentVariables.current().CHANGE_ID != null) }
        Map<String, Closure> states = [
            always: { true }, cleanup: { true }, success: { !open.last().failure && result == 'SUCCESS' },
            failure: { open.last().failure }, unstable: { result == 'UNSTABLE' }, unsuccessful: { open.last().failure || result != 'SUCCESS' },
        ]
        for (Map.Entry<String, Closure> one : states.entrySet()) {
            Closure applies = one.value
            step(one.key, [Closure]) { Closure body -> if (applies()) { helper.callClosure(body) } }
        }
    }

    private void restrict(boolean holds) { open.last().wanted = open.last().wanted && holds }

    /** A failure is kept until the end of what is open, so that its `post` comes first. */
    private void attempted(Closure work) {
        try {
            if (open.last().agent == 'none') { work() }
            else { within([NODE_NAME: 'built-in', WORKSPACE: workspace.path]) { work() } }
        } catch (Throwable failure) {
            open.last().failure = failure
        }
    }

    private void opened(Map frame, Closure body) {
        open.add(frame)
        try {
            // A scripted stage has its steps right in its body, and so has no frame of a pipeline around it.
            helper.callClosure(body)
            if (open.size() == 1 && frame.name) { stages << frame.name }
        } finally {
            open.remove(open.size() - 1)
        }
        if (frame.failure) { throw frame.failure }
    }
}
