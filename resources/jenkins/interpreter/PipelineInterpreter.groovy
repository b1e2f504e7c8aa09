import com.lesfurets.jenkins.unit.cps.BasePipelineTestCPS
import groovy.json.JsonSlurperClassic
import java.util.concurrent.TimeUnit

/**
 * Runs a Jenkinsfile outside Jenkins: the pipeline's CPS transformation as in Jenkins, the steps that the shared library
 * uses really executed (`sh`, files, sleep, time-outs), the program written and read at every step. No sandbox, no
 * declarative validation.
 */
class PipelineInterpreter extends BasePipelineTestCPS {
    /** Root of the shared library: vars/ and resources/. */
    File library
    /** Where `sh` runs and files lie. */
    File workspace
    /** The build's environment variables. */
    Map environment = [:]
    /** `params` of the build. */
    Map params = [:]
    /** Secrets by credentials id. */
    Map secrets = [:]
    /** Gets each line that a build log would show. */
    Closure log = { String line -> println(line) }
    /** Why the build runs: maps with `_class`, and `userId` where a person started it. */
    List<Map> causes = []
    /** Causes of the build that has started this one; null when none has. */
    List<Map> upstreamCauses
    CurrentBuild currentBuild
    /** Names of the steps that were called, in order. */
    List<String> steps = Collections.synchronizedList([])
    /** Extra steps of a test: name to closure, called with a map. */
    Map<String, Closure> extra = [:]
    /** Told each step's name and arguments. */
    Closure onStep = { String name, Object[] arguments -> }
    /** What `sleep` does instead of sleeping; a test's. */
    Closure onSleep
    /** Executors that the build holds. */
    volatile int executors = 0

    /** Compiled libraries by their folder: the transformation of all of vars/ takes longer than most pipelines. */
    private static final Map<String, PersistingHelper> HELPERS = [:]

    protected final Interruptions interruptions = new Interruptions()
    protected final BranchTurns turns = new BranchTurns(interruptions)
    protected final ShellStep shell = new ShellStep(this)
    protected volatile Thread running

    /** SUCCESS, UNSTABLE or FAILURE, of the last run. */
    String getResult() { currentBuild.currentResult }

    /** @return what the Jenkinsfile's last expression is */
    Object run(String jenkinsfileText) {
        prepare()
        File script = new File(temporaryFolder(), "Jenkinsfile-${System.nanoTime()}")
        script.text = jenkinsfileText
        loadVariables()
        running = Thread.currentThread()
        turns.take()
        try {
            return runScript(script.path)
        } catch (Throwable failure) {
            currentBuild.result = 'FAILURE'
            throw failure
        } finally {
            turns.give()
            running = null
            script.delete()
        }
    }

    /** Folders, variables and steps of a new build. */
    void prepare() {
        library = library.absoluteFile
        workspace = workspace.absoluteFile
        workspace.mkdirs()
        temporaryFolder().mkdirs()
        helper = HELPERS.computeIfAbsent(library.path) { new PersistingHelper() }
        EnvironmentVariables.begin(environment)
        currentBuild = new CurrentBuild(causes: causes, upstreamBuilds: upstreamCauses == null ? [] : [new CurrentBuild(causes: upstreamCauses)])
        scriptRoots = [library.path, workspace.path] as String[]
        scriptExtension = ''
        helper.forget()
        setUp()
        registerSteps()
        binding.setVariable('env', new EnvironmentVariables())
        binding.setVariable('params', params)
        binding.setVariable('currentBuild', currentBuild)
    }

    /** Runs a step as a program would call it. */
    Object perform(String name, Object... arguments) {
        Map.Entry found = helper.getAllowedMethodEntry(name, arguments)
        if (!found) { throw new NoSuchMethodError("No such DSL method '${name}' found among steps") }
        return arguments ? found.value.call(*arguments) : found.value.call()
    }

    /** Somebody presses the button that ends the build. */
    void abort() { interruptions.interrupt(running, 'Aborted by a person') }

    File temporaryFolder() { new File(workspace.parentFile, "${workspace.name}@tmp") }

    File inWorkspace(String path) {
        File file = new File(path)
        return file.absolute ? file : new File(workspace, path)
    }

    /** Declares a step; the work gets its arguments. Held to what Jenkins does at every step: the program is persisted. */
    protected void step(String name, List<Class> types, Closure work) {
        helper.registerAllowedMethod(name, types) { Object... arguments ->
            steps << name
            onStep.call(name, arguments)
            helper.persist()
            interruptions.during { arguments ? work.call(*arguments) : work.call() }
        }
    }

    /** The same, with a body: variables are added to its environment. */
    protected Object within(Map added, Closure body) {
        EnvironmentVariables.enter(added)
        try {
            return helper.callClosure(body)
        } finally {
            EnvironmentVariables.leave()
        }
    }

    /** Each .groovy in vars/ is a global variable whose methods a Jenkinsfile and the other variables may call. */
    protected void loadVariables() {
        for (File file : new File(library, 'vars').listFiles().findAll { it.name.endsWith('.groovy') }.sort()) {
            String name = file.name - '.groovy'
            Script variable = loadScript(file.path)
            binding.setVariable(name, variable)
            for (MetaMethod method : variable.metaClass.methods.findAll { it.name == 'call' }) {
                MetaMethod call = method
                helper.registerAllowedMethod(name, method.nativeParameterTypes as List) { Object... arguments ->
                    helper.callMethod(call, variable, arguments ?: new Object[0])
                }
            }
        }
    }

    protected void registerSteps() {
        step('echo', [String]) { String message -> log(message) }
        // The test base's own `error` does not throw.
        step('error', [String]) { String message -> throw new PipelineError(message) }
        step('unstable', [String]) { String message -> currentBuild.result = 'UNSTABLE'; log("unstable: ${message}") }
        step('pwd', [Map]) { Map options -> options.tmp ? temporaryFolder().path : workspace.path }
        step('sleep', [Map]) { Map options ->
            if (onSleep) { return onSleep.call() }
            turns.aside { TimeUnit.valueOf(options.unit ?: 'SECONDS').sleep(options.time as long) }
        }
        step('libraryResource', [String]) { String path -> new File(new File(library, 'resources'), path).text }
        step('writeFile', [Map]) { Map options ->
            File file = inWorkspace(options.file.toString())
            file.parentFile.mkdirs()
            file.setText(options.text.toString(), options.encoding ?: 'UTF-8')
        }
        step('readFile', [Map]) { Map options -> inWorkspace(options.file.toString()).text }
        step('readJSON', [Map]) { Map options -> new JsonSlurperClassic().parseText(options.text ?: inWorkspace(options.file).text) }
        step('fileExists', [String]) { String path -> inWorkspace(path).exists() }
        step('sh', [Map]) { Map options -> shell.run(options) }
        step('sh', [String]) { String script -> shell.run([script: script]) }
        step('string', [Map]) { Map options -> new HashMap(options) }
        step('withCredentials', [List, Closure]) { List bindings, Closure body -> within(secretsOf(bindings), body) }
        step('withEnv', [List, Closure]) { List assignments, Closure body -> within(variablesOf(assignments), body) }
        step('timeout', [Map, Closure]) { Map options, Closure body ->
            long millis = TimeUnit.valueOf(options.unit ?: 'MINUTES').toMillis(options.time as long)
            interruptions.within(millis) { helper.callClosure(body) }
        }
        step('node', [String, Closure]) { String label, Closure body -> onNode(body) }
        step('node', [Closure]) { Closure body -> onNode(body) }
        for (String name : ['stage', 'dir', 'lock', 'milestone']) {
            step(name, [String, Closure]) { String label, Closure body -> helper.callClosure(body) }
        }
        step('parallel', [Map]) { Map branches -> turns.parallel(branches) { Closure body -> helper.callClosure(body) } }
        step('archiveArtifacts', [Map]) { Map options -> }
        for (Map.Entry<String, Closure> entry : extra.entrySet()) {
            step(entry.key, [Map], entry.value)
        }
    }

    protected Object onNode(Closure body) {
        executors++
        try {
            return within([NODE_NAME: 'built-in', WORKSPACE: workspace.path], body)
        } finally {
            executors--
        }
    }

    protected Map secretsOf(List bindings) {
        Map added = [:]
        for (Map one : bindings) {
            if (!secrets.containsKey(one.credentialsId)) {
                throw new PipelineError("Could not find credentials entry with ID '${one.credentialsId}'")
            }
            added[one.variable] = secrets[one.credentialsId]
        }
        return added
    }

    protected Map variablesOf(List assignments) {
        Map added = [:]
        for (Object one : assignments) {
            String text = one.toString()
            added[text.substring(0, text.indexOf('='))] = expanded(text.substring(text.indexOf('=') + 1))
        }
        return added
    }

    /** As Jenkins' withEnv has it: $NAME and ${NAME} are replaced where there is such a variable, $$ is a dollar. */
    protected static String expanded(String text) {
        return text.replaceAll(/\$([A-Za-z0-9_]+|\{[A-Za-z0-9_.]+\}|\$)/) { String whole, String name ->
            name == '$' ? '$' : (EnvironmentVariables.current().get(name.replaceAll(/[{}]/, '')) ?: whole)
        }
    }
}
