/**
 * Brings into production what a run judged to pass, and waits until it is there.
 * See speedGatePromote.txt for the arguments.
 */
Map call(Map args = [:]) {
    Map values = speedGateArguments.checked('speedGatePromote', parameters(), args)
    String runId = speedGatePromotion.runIdOf('speedGatePromote', values.run)
    Map promotion = null
    speedGateClient.within(values) { promotion = order(values, runId) }
    if (!promotion) { return [promoted: true, promotion: null, runId: runId] }
    echo("[speedGate] ${promotion.service}: promotion ${promotion.id} of build ${promotion.build.take(12)}: ${promotion.reason}")
    if (values.wait) {
        promotion = speedGatePromotion.followed(values, promotion)
        speedGatePromotion.require(promotion)
        echo("[speedGate] ${promotion.service}: build ${promotion.build.take(12)} is in production")
    }
    return [promoted: promotion.state == 'completed', promotion: promotion.id, runId: runId]
}

/** Internal: what the step takes. */
Map parameters() {
    return [
        run           : [mandatory: 'what speedGate returned, or the id of a run that passed'],
        reason        : [text: true, mandatory: 'why, in at least 10 characters: the audit keeps it', pattern: '(?s)\\s*\\S.{8,}\\S\\s*',
                         form: 'at least 10 characters'],
        wait          : [flag: true, default: true],
        timeoutMinutes: [number: true, default: 60],
    ] + speedGateArguments.connection()
}

/** The promotion that was ordered; null when the run has promoted its build by itself. */
private Map order(Map values, String runId) {
    Map run = speedGateConclusion.essence(speedGateClient.ask(values, [method: 'GET', path: "/v1/runs/${runId}".toString(), what: 'run']).body)
    if (run.decision == 'promote') {
        echo("[speedGate] run ${runId} has promoted its build already")
        return null
    }
    if (run.decision != 'pass' || run.cause != 'met') {
        error("speedGatePromote: run ${runId} is ${run.decision ? run.decision + ' (' + run.cause + ')' : 'not finished: ' + run.phase}. Only what passed can be promoted; against a rollback there is speedGateOverride.")
    }
    if (!run.configuration?.hash) { error("speedGatePromote: run ${runId} names no configuration: there is nothing judged to promote") }
    return speedGatePromotion.ordered(values, [service: run.service, build: run.build, configuration: run.configuration.hash, reason: values.reason])
}
