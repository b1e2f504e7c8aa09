import com.cloudbees.groovy.cps.NonCPS

/** Internal: of a finished run as the service tells it, what the steps need; its curves and attempts are long. */
@NonCPS
Map essence(Map run) {
    Map kept = [:]
    for (String name : ['id', 'service', 'build', 'createdAt', 'phase', 'decision', 'cause', 'summary', 'evidence', 'controls', 'codeEffect', 'configurationEffect',
                        'configuration', 'promotion', 'override', 'overrides', 'earlierRuns', 'loosened', 'revision']) {
        kept[name] = run[name]
    }
    return kept
}

/** Internal: what speedGate and speedGateWait return. */
@NonCPS
Map resultOf(Map run, String url) {
    return [
        decision           : run.decision,
        cause              : run.cause,
        summary            : run.summary,
        evidence           : run.evidence ?: [],
        runId              : run.id,
        url                : url.toString(),
        service            : run.service,
        build              : run.build,
        configuration      : run.configuration?.hash,
        overridden         : run.override != null,
        earlierRuns        : run.earlierRuns ?: 0,
        loosened           : run.loosened ?: [],
        codeEffect         : run.codeEffect,
        configurationEffect: run.configurationEffect,
    ]
}

/** Internal: tells the log why. */
void tell(Map run, Map result) {
    List lines = linesOf(run)
    for (int i = 0; i < lines.size(); i++) { echo("[speedGate] ${lines[i]}") }
    echo("[speedGate] ${result.decision} (${result.cause}): ${result.summary}")
}

/** Internal: makes the build what the decision asks for. Whatever is not plainly a pass or promotion fails it. */
void apply(Map values, Map result) {
    if (good(result)) { return }
    String message = "speedGate: ${result.decision} (${result.cause}): ${result.summary} See ${result.url}"
    if (result.decision == 'pass' || result.decision == 'promote') {
        error("GateContradiction: ${message} A ${result.decision} comes with the cause met and with evidence that is met: this answer cannot be right, and counts for nothing.")
    }
    if (values.failBuild == false) {
        echo("[speedGate] advisory (failBuild: false), the build goes on: ${message}")
    } else if (values.onInconclusive == 'unstable' && (result.cause == 'inconclusive' || result.cause == 'invalid')) {
        unstable(message)
    } else {
        error(message)
    }
}

/** Internal: whether a run, or what came of it, is plainly a pass or promotion: met, with evidence that all is. */
@NonCPS
boolean good(Map result) {
    if (result.decision != 'pass' && result.decision != 'promote') { return false }
    if (result.cause != 'met' || !result.evidence) { return false }
    for (Map one : result.evidence) {
        if (one.outcome != 'met') { return false }
    }
    return true
}

@NonCPS
private List linesOf(Map run) {
    List lines = []
    for (Map one : run.evidence ?: []) { lines.add("${one.outcome}: ${one.sentence}".toString()) }
    if (run.earlierRuns) { lines.add("this build had ${run.earlierRuns} run(s) before this one".toString()) }
    for (Object one : run.loosened ?: []) { lines.add("loosened for this run: ${one}".toString()) }
    for (Map one : run.overrides ?: []) {
        lines.add("override (${one.state}): ${one.actor} orders ${one.order}: ${one.reason}${one.outcome ? ' – ' + one.outcome : ''}".toString())
    }
    return lines
}
