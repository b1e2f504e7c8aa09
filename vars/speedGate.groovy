/**
 * Gates a build: uploads it, starts a run, follows it, and fails the build on a rollback.
 * See speedGate.txt for the arguments.
 */
Map call(Map args = [:]) {
    Map checked = speedGateArguments.check(args, [
        SPEED_GATE_URL: env.SPEED_GATE_URL, BUILD_DISPLAY_NAME: env.BUILD_DISPLAY_NAME,
    ])
    if (checked.errors) {
        error("speedGate: ${checked.errors.size()} wrong argument(s)\n - ${checked.errors.join('\n - ')}")
    }
    Map values = checked.values
    values.startedBy = startedBy()
    Map run = null
    withCredentials([string(credentialsId: values.credentialsId, variable: 'SPEED_GATE_TOKEN')]) {
        withEnv(["SPEED_GATE_URL=${values.url}"]) {
            timeout(time: values.timeoutMinutes, unit: 'MINUTES') {
                run = gate(values)
            }
        }
    }
    return conclude(values, run)
}

/** Who started this build by hand; null when nobody did. He cannot override the run that it asks for. */
private String startedBy() {
    if (env.BUILD_USER_ID) { return env.BUILD_USER_ID.toString() }
    List causes = currentBuild.getBuildCauses('hudson.model.Cause$UserIdCause')
    for (int i = 0; i < causes.size(); i++) {
        if (causes[i].userId) { return causes[i].userId.toString() }
    }
    return null
}

private Map gate(Map values) {
    // Parallel gates of one build share the folder, so each has files of its own.
    String prefix = "${pwd(tmp: true)}/speed-gate-${values.gateId.replaceAll('[^A-Za-z0-9.-]', '_')}"
    String script = "${prefix}.sh"
    writeFile(file: script, text: libraryResource('jenkins/speed-gate.sh'))
    Map upload = ask(script, ['upload', values.build])
    String digest = upload.body.sha256
    echo("[speedGate] ${values.service}: build ${digest.take(12)} of ${values.build} is at the gate")

    String request = "${prefix}.json"
    writeFile(file: request, text: speedGateArguments.requestBody(values, digest))
    String key = "${env.BUILD_TAG ?: 'no-build-tag'}:${values.gateId}:${digest.take(16)}"
    String id = ask(script, ['submit', request, key]).body.id
    echo("[speedGate] run ${id}: ${values.url}/#/runs/${id}")

    boolean finished = false
    try {
        int after = 0
        String waiting = null
        while (!finished) {
            List events = ask(script, ['follow', id, after.toString(), '15']).body.events
            for (int i = 0; i < events.size(); i++) {
                Map event = events[i]
                echo("[speedGate] ${event.message}")
                after = event.sequence
            }
            Map run = ask(script, ['run', id]).body
            if (run.queue && run.queue.reason != waiting) {
                waiting = run.queue.reason
                echo("[speedGate] queued, ${run.queue.ahead} ahead: ${waiting}")
            }
            finished = run.phase == 'finished'
            if (finished) { return run }
        }
    } finally {
        // An aborted build must not leave a run measuring; bounded, and never in the way of the abort.
        if (!finished) { abandon(script, id) }
    }
}

private void abandon(String script, String id) {
    try {
        withEnv(['SPEED_GATE_TRIES=1']) {
            shell(script, ['cancel', id])
        }
        echo("[speedGate] run ${id} was asked to cancel")
    } catch (Exception failure) {
        echo("[speedGate] run ${id} could not be cancelled: ${failure.message}")
    }
}

/** Calls the helper; an unreachable service and a problem answer both end the step, in different words. */
private Map ask(String script, List command) {
    Map answer = shell(script, command)
    if (!answer.reached) {
        error("GateUnreachable: ${answer.problem}. This is no verdict on the build: nothing was judged. Is the service up, and reachable from this agent?")
    }
    if (answer.status == 401 || answer.status == 403) {
        error("GateRefused: the gate service does not accept the token of this job for '${command[0]}' (${answer.status}): ${answer.problem}. Check the credentials of the step (credentialsId).")
    }
    if (answer.status >= 500) {
        error("GateUnreachable: the gate service answered ${answer.status} to '${command[0]}': ${answer.problem}. This is no verdict on the build.")
    }
    if (answer.status >= 400) {
        error("GateRejected: the gate service rejected '${command[0]}' (${answer.status}): ${answer.problem}")
    }
    return answer
}

private Map shell(String script, List command) {
    // Arguments go by environment: nothing of them is parsed by the shell.
    List variables = ["SPEED_GATE_SCRIPT=${script}"]
    String words = ''
    for (int i = 0; i < command.size(); i++) {
        variables.add("SPEED_GATE_ARG_${i}=${command[i]}")
        words += " \"\$SPEED_GATE_ARG_${i}\""
    }
    String text = ''
    withEnv(variables) {
        text = sh(script: '#!/bin/sh\nexec sh "$SPEED_GATE_SCRIPT"' + words, returnStdout: true, label: "speed gate: ${command[0]}")
    }
    return speedGateArguments.answer(text)
}

private Map conclude(Map values, Map run) {
    for (int i = 0; i < run.evidence.size(); i++) {
        echo("[speedGate] ${run.evidence[i].outcome}: ${run.evidence[i].sentence}")
    }
    if (run.earlierRuns) { echo("[speedGate] this build had ${run.earlierRuns} run(s) before this one") }
    List loosened = run.loosened ?: []
    for (int i = 0; i < loosened.size(); i++) {
        echo("[speedGate] loosened for this run: ${loosened[i]}")
    }
    List overrides = run.overrides ?: []
    for (int i = 0; i < overrides.size(); i++) {
        Map one = overrides[i]
        echo("[speedGate] override (${one.state}): ${one.actor} orders ${one.order}: ${one.reason}${one.outcome ? ' – ' + one.outcome : ''}")
    }
    Map result = [
        decision           : run.decision,
        cause              : run.cause,
        summary            : run.summary,
        evidence           : run.evidence,
        runId              : run.id,
        url                : "${values.url}/#/runs/${run.id}".toString(),
        overridden         : run.override != null,
        earlierRuns        : run.earlierRuns ?: 0,
        loosened           : loosened,
        codeEffect         : run.codeEffect,
        configurationEffect: run.configurationEffect,
    ]
    echo("[speedGate] ${run.decision} (${run.cause}): ${run.summary}")
    if (run.decision == 'pass' || run.decision == 'promote') { return result }
    String message = "speedGate: rollback (${run.cause}): ${run.summary} See ${result.url}"
    if (values.failBuild == false) {
        echo("[speedGate] advisory (failBuild: false), the build goes on: ${message}")
        return result
    }
    if (values.onInconclusive == 'unstable' && (run.cause == 'inconclusive' || run.cause == 'invalid')) {
        unstable(message)
        return result
    }
    error(message)
}
