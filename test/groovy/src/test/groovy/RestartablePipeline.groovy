import com.cloudbees.groovy.cps.Continuable
import com.cloudbees.groovy.cps.CpsTransformer
import com.cloudbees.groovy.cps.Outcome
import org.codehaus.groovy.control.CompilationUnit
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.Phases

/**
 * A pipeline on the CPS engine alone, as a controller runs it: suspended at every step, and written there. After a restart
 * nothing is left but what was written: a new interpreter with newly loaded classes reads it and goes on.
 */
class RestartablePipeline {
    /** Steps with a body are CPS code themselves, so that their bodies can be suspended. */
    private static final String STEPS_WITH_BODY = '''
        def inScope(Closure body) {
            try { return body() } finally { leaveScope() }
        }
        def withEnv(List assignments, Closure body) {
            enterVariables(assignments)
            return inScope(body)
        }
        def withCredentials(List bindings, Closure body) {
            enterSecrets(bindings)
            return inScope(body)
        }
        def node(String label, Closure body) { return withEnv(['NODE_NAME=built-in'], body) }
        def node(Closure body) { return node('', body) }
        def timeout(Map options, Closure body) { return body() }
    '''
    /** Compiled once: that takes longer than all else. */
    private static final Map<String, Map<String, byte[]>> COMPILED = [:]

    /** Makes the interpreter of a controller that has started. */
    final Closure<PipelineInterpreter> newInterpreter
    final String jenkinsfile
    /** Whether the controller starts again while it does this step: `before` it is done, or `after`, so that it is done again. */
    Closure<String> restarts = { String name, List arguments -> null }
    /** Whether somebody aborts the build at this step. */
    Closure<Boolean> aborts = { String name, List arguments -> false }
    /** Told what lies on the controller's disk while a step is done. */
    Closure onWritten = { byte[] program -> }
    int restarted = 0
    int written = 0
    PipelineInterpreter steps
    private GroovyClassLoader loader
    /** Variables that the steps which are open have added: Jenkins keeps them with the step, secrets in its own store. */
    private final List<Map> scopes = []

    RestartablePipeline(Closure<PipelineInterpreter> newInterpreter, String jenkinsfile) {
        this.newInterpreter = newInterpreter
        this.jenkinsfile = jenkinsfile
    }

    /** @return what the Jenkinsfile's last expression is */
    Object run() {
        startController()
        Continuable program = new Continuable(load())
        Outcome outcome = program.run0(new Outcome(null, null))
        while (program.resumable) {
            Map request = outcome.normal as Map
            byte[] disk = write(program)
            String restart = restarts.call(request.name, request.arguments)
            if (restart == 'after') { performed(request) }
            if (restart) {
                restarted++
                startController()
                load()
            }
            program = read(disk)
            outcome = program.run0(performed(request))
        }
        return outcome.replay()
    }

    private void startController() {
        steps = newInterpreter.call()
        steps.prepare()
        for (Map added : scopes) { EnvironmentVariables.enter(added) }
    }

    private Script load() {
        loader = new GroovyClassLoader(getClass().classLoader)
        RestartableBinding binding = new RestartableBinding()
        binding.setVariable('env', new EnvironmentVariables())
        binding.setVariable('currentBuild', steps.currentBuild)
        binding.setVariable('stepsWithBody', script('StepsWithBody', STEPS_WITH_BODY, binding))
        for (File file : new File(steps.library, 'vars').listFiles().findAll { it.name.endsWith('.groovy') }) {
            String name = file.name - '.groovy'
            binding.setVariable(name, script(name, file.getText('UTF-8'), binding))
        }
        return script('Jenkinsfile', jenkinsfile, binding)
    }

    private Script script(String name, String text, Binding binding) {
        Map<String, byte[]> classes = COMPILED.computeIfAbsent("${name}\n${text}".toString()) { compiled(name, text) }
        for (Map.Entry<String, byte[]> one : classes.entrySet()) { loader.defineClass(one.key, one.value) }
        Script script = loader.loadClass(name).newInstance() as Script
        script.setBinding(binding)
        return script
    }

    private static Map<String, byte[]> compiled(String name, String text) {
        CompilerConfiguration configuration = new CompilerConfiguration(scriptBaseClass: RestartableScript.name)
        configuration.addCompilationCustomizers(new CpsTransformer())
        CompilationUnit unit = new CompilationUnit(configuration, null, new GroovyClassLoader(RestartablePipeline.classLoader))
        unit.addSource("${name}.groovy", text)
        unit.compile(Phases.CLASS_GENERATION)
        return unit.classes.collectEntries { [it.name, it.bytes] }
    }

    private byte[] write(Continuable program) {
        written++
        ByteArrayOutputStream bytes = new ByteArrayOutputStream()
        new ObjectOutputStream(bytes).writeObject([program: program, build: steps.currentBuild])
        byte[] disk = bytes.toByteArray()
        onWritten.call(disk)
        return disk
    }

    private Continuable read(byte[] disk) {
        GroovyClassLoader classes = loader
        Map content = new ObjectInputStream(new ByteArrayInputStream(disk)) {
            @Override
            protected Class<?> resolveClass(ObjectStreamClass described) throws IOException, ClassNotFoundException {
                try { return classes.loadClass(described.name) }
                catch (ClassNotFoundException ignored) { return super.resolveClass(described) } // an array
            }
        }.readObject() as Map
        steps.currentBuild = content.build as CurrentBuild
        return content.program as Continuable
    }

    private Outcome performed(Map request) {
        List arguments = request.arguments
        try {
            if (aborts.call(request.name, arguments)) {
                throw new org.jenkinsci.plugins.workflow.steps.FlowInterruptedException('Aborted by a person')
            }
            switch (request.name) {
                case 'enterVariables': return entered(steps.variablesOf(arguments[0] as List))
                case 'enterSecrets': return entered(steps.secretsOf(arguments[0] as List))
                case 'leaveScope':
                    scopes.remove(scopes.size() - 1)
                    EnvironmentVariables.leave()
                    return new Outcome(null, null)
                default: return new Outcome(steps.perform(request.name, arguments as Object[]), null)
            }
        } catch (Throwable failure) {
            return new Outcome(null, failure)
        }
    }

    private Outcome entered(Map added) {
        scopes.add(added)
        EnvironmentVariables.enter(added)
        return new Outcome(null, null)
    }
}
