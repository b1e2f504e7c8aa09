/**
 * Command line of the interpreter: RunPipeline LIBRARY WORKSPACE JENKINSFILE.
 * The environment of this process is the build's; secrets come as SPEED_GATE_SECRET_<id> there.
 * What people answer to the dialogs of `input`, one after the other, comes as a list in JSON in SPEED_GATE_DIALOGS.
 * The log goes to standard output; the last line is `result: SUCCESS|UNSTABLE|FAILURE`; exit 1 on failure.
 */
// The log is UTF-8 whatever the locale: JDK 17 has no supported property for that.
System.out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, 'UTF-8')
Map environment = new HashMap(System.getenv())
Map secrets = [:]
String prefix = 'SPEED_GATE_SECRET_'
for (String name : new ArrayList(environment.keySet())) {
    if (name.startsWith(prefix)) { secrets[name.substring(prefix.length())] = environment.remove(name) }
}
String dialogs = environment.remove('SPEED_GATE_DIALOGS')
PipelineInterpreter interpreter = new PipelineInterpreter(
    library: new File(args[0]), workspace: new File(args[1]), environment: environment, secrets: secrets,
    log: { String line -> println(line); System.out.flush() })
if (dialogs) {
    List answers = new groovy.json.JsonSlurperClassic().parseText(dialogs) as List
    Closure input = { Map dialog ->
        interpreter.log(dialog.message)
        if (answers.empty) { throw new PipelineError('nobody is here to answer the dialog') }
        Map answer = answers.remove(0) as Map
        for (Map parameter : dialog.parameters) {
            // As in Jenkins: the build has what was chosen under the name of the parameter.
            if (parameter.credentialType) { secrets[parameter.name] = secrets[answer[parameter.name]] }
        }
        return answer
    }
    interpreter.extra = [input: input, text: { Map options -> options }, credentials: { Map options -> options }]
}
try {
    interpreter.run(new File(args[2]).getText('UTF-8'))
} catch (Throwable failure) {
    Throwable cause = failure
    while (cause.cause != null && !(cause instanceof PipelineError)) { cause = cause.cause }
    println("ERROR: ${cause.message ?: cause}")
    if (!(cause instanceof PipelineError)) { failure.printStackTrace() }
}
println("result: ${interpreter.result}")
System.exit(interpreter.result == 'FAILURE' ? 1 : 0)
