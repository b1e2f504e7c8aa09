import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** Internal: one request with curl on the agent, through a helper script; see speedGateClient.attempt. */
Map call(Map request) {
    try {
        return speedGateAnswer.ofScript(shell(wordsOf(request), request))
    } catch (FlowInterruptedException interrupted) {
        throw interrupted
    } catch (Exception failure) {
        // An agent that was lost, a controller that started again: the caller may ask once more.
        return speedGateAnswer.unreached("the agent could not ask (${failure.message})".toString())
    }
}

private List wordsOf(Map request) {
    if (request.upload) { return ['upload', request.upload] }
    if (request.follow) { return ['follow', request.follow, request.after.toString(), request.seconds.toString()] }
    List words = ['request', request.method, request.path]
    if (request.body != null) { words += bodyOf(request) }
    if (request.toFile) { words += ['--to', request.toFile] }
    List names = new ArrayList((request.headers ?: [:]).keySet())
    for (int i = 0; i < names.size(); i++) {
        words += ['--header', "${names[i]}: ${request.headers[names[i]]}".toString()]
    }
    return words
}

/** The JSON in pieces: Linux takes no variable of more than 128 KiB. Its letters are ASCII, whatever they stand for. */
private List bodyOf(Map request) {
    String json = speedGateAnswer.json(request.body)
    List words = []
    for (int i = 0; i < json.length(); i += 60000) {
        words += ['--body', json.substring(i, Math.min(json.length(), i + 60000))]
    }
    return words
}

/** Arguments go by environment: nothing of them is parsed by the shell, and none is a file that a restart may find gone. */
private String shell(List words, Map request) {
    List variables = ["SPEED_GATE_ARGS=${words.size()}"]
    if (request.once) { variables.add('SPEED_GATE_TRIES=1') }
    // withEnv puts variables in for $NAME; $$ is a dollar to it.
    for (int i = 0; i < words.size(); i++) { variables.add("SPEED_GATE_ARG_${i + 1}=${words[i].replace('$', '$$')}") }
    String helper = libraryResource('jenkins/speed-gate.sh')
    String text = ''
    withEnv(variables) {
        text = sh(script: helper, returnStdout: true, encoding: 'UTF-8', label: "speed gate: ${request.what ?: words[0]}")
    }
    return text
}
