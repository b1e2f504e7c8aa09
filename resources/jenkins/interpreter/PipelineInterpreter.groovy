import com.lesfurets.jenkins.unit.cps.BasePipelineTestCPS

/**
 * Runs a Jenkinsfile outside Jenkins: the pipeline's CPS transformation as in Jenkins, the steps that
 * the shared library uses really executed (`sh`, files, sleep). No sandbox, no declarative validation.
 */
class PipelineInterpreter extends BasePipelineTestCPS {
    /** Root of the shared library: vars/ and resources/. */
    File library
    /** Where `sh` runs and files lie. */
    File workspace
    /** The build's environment variables. */
    Map environment = [:]
    /** Secrets by credentials id. */
    Map secrets = [:]
    /** Gets each line that a build log would show. */
    Closure log = { String line -> println(line) }
    /** Why the build runs: maps with `_class`, and `userId` where a person started it. */
    List<Map> causes = []
    /** Result of the build so far: SUCCESS, UNSTABLE, FAILURE. */
    String result = 'SUCCESS'
    /** Names of the steps that were called, in order. */
    List<String> steps = []
    /** Extra steps of a test: name to closure. */
    Map<String, Closure> extra = [:]

    private final List<Map> scopes = []

    Object run(String jenkinsfileText) {
        library = library.absoluteFile
        workspace = workspace.absoluteFile
        workspace.mkdirs()
        temporaryFolder().mkdirs()
        scopes.clear()
        scopes.add(new HashMap(environment))
        scriptRoots = [library.path, workspace.path] as String[]
        scriptExtension = ''
        setUp()
        File script = new File(temporaryFolder(), "Jenkinsfile-${System.nanoTime()}")
        script.text = jenkinsfileText
        registerSteps()
        binding.setVariable('env', new EnvironmentVariables(scopes: scopes))
        binding.setVariable('params', [:])
        binding.setVariable('currentBuild', new CurrentBuild(causes: causes))
        loadVariables()
        try {
            return runScript(script.path)
        } catch (Throwable failure) {
            result = 'FAILURE'
            throw failure
        } finally {
            script.delete()
        }
    }

    private File temporaryFolder() { new File(workspace.parentFile, "${workspace.name}@tmp") }

    private File inWorkspace(String path) {
        File file = new File(path)
        return file.absolute ? file : new File(workspace, path)
    }

    private Map currentEnvironment() { scopes.last() }

    private void step(String name, List<Class> types, Closure body) {
        helper.registerAllowedMethod(name, types, body)
    }

    /** Each .groovy in vars/ is a global variable whose methods a Jenkinsfile and the other variables may call. */
    private void loadVariables() {
        for (File file : new File(library, 'vars').listFiles().findAll { it.name.endsWith('.groovy') }.sort()) {
            String name = file.name - '.groovy'
            Script variable = loadScript(file.path)
            binding.setVariable(name, variable)
            helper.registerAllowedMethod(name, [Map]) { Map arguments -> variable.call(arguments) }
        }
    }

    private void registerSteps() {
        step('echo', [String]) { String message -> steps << 'echo'; log(message) }
        // The test base's own `error` does not throw.
        step('error', [String]) { String message -> steps << 'error'; throw new PipelineError(message) }
        step('unstable', [String]) { String message -> steps << 'unstable'; result = 'UNSTABLE'; log("unstable: ${message}") }
        step('pwd', [Map]) { Map options -> options.tmp ? temporaryFolder().path : workspace.path }
        step('sleep', [Map]) { Map options -> steps << 'sleep'; Thread.sleep((options.time as long) * 1000) }
        step('libraryResource', [String]) { String path -> new File(new File(library, 'resources'), path).text }
        step('writeFile', [Map]) { Map options ->
            File file = inWorkspace(options.file.toString())
            file.parentFile.mkdirs()
            file.text = options.text.toString()
        }
        step('readFile', [Map]) { Map options -> inWorkspace(options.file.toString()).text }
        step('fileExists', [String]) { String path -> inWorkspace(path).exists() }
        step('sh', [Map]) { Map options -> shell(options) }
        step('sh', [String]) { String script -> shell([script: script]) }
        step('string', [Map]) { Map options -> new HashMap(options) }
        step('withCredentials', [List, Closure]) { List bindings, Closure body ->
            Map added = [:]
            for (Map one : bindings) {
                if (!secrets.containsKey(one.credentialsId)) {
                    throw new PipelineError("Could not find credentials entry with ID '${one.credentialsId}'")
                }
                added[one.variable] = secrets[one.credentialsId]
            }
            within(added, body)
        }
        step('withEnv', [List, Closure]) { List assignments, Closure body ->
            Map added = [:]
            for (Object one : assignments) {
                String text = one.toString()
                added[text.substring(0, text.indexOf('='))] = text.substring(text.indexOf('=') + 1)
            }
            within(added, body)
        }
        for (String name : ['node', 'stage', 'dir', 'lock', 'milestone']) {
            step(name, [String, Closure]) { String label, Closure body -> helper.callClosure(body) }
        }
        step('node', [Closure]) { Closure body -> helper.callClosure(body) }
        step('timeout', [Map, Closure]) { Map options, Closure body -> helper.callClosure(body) }
        step('archiveArtifacts', [Map]) { Map options -> steps << 'archiveArtifacts' }
        for (Map.Entry<String, Closure> entry : extra.entrySet()) {
            step(entry.key, [Map], entry.value)
        }
    }

    private Object within(Map added, Closure body) {
        scopes.add(currentEnvironment() + added)
        try {
            return helper.callClosure(body)
        } finally {
            scopes.remove(scopes.size() - 1)
        }
    }

    /** `sh` as Jenkins has it: POSIX shell with -e in the workspace; an unexpected exit code fails the step. */
    private Object shell(Map options) {
        steps << 'sh'
        File file = File.createTempFile('script', '.sh', temporaryFolder())
        try {
            file.text = options.script.toString()
            List command = options.script.toString().startsWith('#!') ? ['sh', file.path] : ['sh', '-xe', file.path]
            ProcessBuilder builder = new ProcessBuilder(command as String[]).directory(workspace)
            for (Map.Entry entry : currentEnvironment().entrySet()) {
                builder.environment().put(entry.key.toString(), entry.value.toString())
            }
            if (!options.returnStdout) { builder.redirectErrorStream(true) }
            Process process = builder.start()
            process.outputStream.close()
            Thread errors = Thread.start { process.errorStream.eachLine { String line -> log(line) } }
            String output = process.inputStream.getText('UTF-8')
            int code = process.waitFor()
            errors.join()
            if (!options.returnStdout && output) { output.eachLine { String line -> log(line) } }
            if (options.returnStatus) { return code }
            if (code != 0) { throw new PipelineError("script returned exit code ${code}") }
            return options.returnStdout ? output : null
        } finally {
            file.delete()
        }
    }
}
