/**
 * The button back: brings the last known good build and configuration of a service into production again.
 * See speedGateRollback.txt for the arguments.
 */
Map call(Map args = [:]) {
    Map values = speedGateArguments.checked('speedGateRollback', parameters(), args)
    if (!values.run && !values.service) {
        error('speedGateRollback: give service (whatever it runs), or run (only if production runs its build)')
    }
    Map promotion = null
    Map state = null
    speedGateClient.within(values) { state = stateOf(values) }
    if (state.promotion) {
        echo("[speedGate] ${state.service}: waits for the promotion ${state.promotion.id} that is under way")
        speedGatePromotion.followed(values, state.promotion)
        speedGateClient.within(values) { state = stateOf(values) }
    }
    if (!isWanted(state)) { return [restored: false, promotion: null, build: state.inForce?.build] }
    speedGateClient.within(values) {
        promotion = speedGatePromotion.ordered(values, [service: state.service, build: state.lastKnownGood.build,
                                                        configuration: state.lastKnownGood.configurationHash, reason: values.reason])
    }
    echo("[speedGate] ${state.service}: back to build ${promotion.build.take(12)}: ${promotion.reason}")
    if (values.wait) {
        promotion = speedGatePromotion.followed(values, promotion)
        speedGatePromotion.require(promotion)
        echo("[speedGate] ${state.service}: build ${promotion.build.take(12)} is in production again")
    }
    return [restored: promotion.state == 'completed', promotion: promotion.id, build: promotion.build]
}

/** Internal: what the step takes. */
Map parameters() {
    return [
        service       : [text: true, pattern: '[a-z0-9][a-z0-9-]{0,39}', form: "a name of the gate's catalogue, e.g. 'checkout'"],
        run           : [:],
        reason        : [text: true, mandatory: 'why, in at least 10 characters: the audit keeps it', pattern: '(?s)\\s*\\S.{8,}\\S\\s*',
                         form: 'at least 10 characters'],
        wait          : [flag: true, default: true],
        timeoutMinutes: [number: true, default: 60],
    ] + speedGateArguments.connection()
}

/** What is in force and what was before, and the build that has to be in force for going back; null: any. */
private Map stateOf(Map values) {
    String name = values.service
    String build = null
    if (values.run) {
        String runId = speedGatePromotion.runIdOf('speedGateRollback', values.run)
        Map run = speedGateClient.ask(values, [method: 'GET', path: "/v1/runs/${runId}".toString(), what: 'run']).body
        if (name && name != run.service) { error("speedGateRollback: run ${runId} is of ${run.service}, not of ${name}") }
        name = run.service
        build = run.build
    }
    Map service = speedGateClient.ask(values, [method: 'GET', path: "/v1/services/${name}".toString(), what: 'service']).body
    return [service: name, build: build, inForce: service.inForce, lastKnownGood: service.lastKnownGood, promotion: service.promotion]
}

private boolean isWanted(Map state) {
    if (state.build && state.inForce?.build != state.build) {
        echo("[speedGate] ${state.service}: nothing to go back from: production runs ${state.inForce ? 'build ' + state.inForce.build.take(12) : 'nothing'}, not what the run judged (${state.build.take(12)})")
        return false
    }
    if (!state.lastKnownGood) { error("speedGateRollback: ${state.service} has no last known good build: nothing was in production before the present one") }
    if (state.lastKnownGood.build == state.inForce?.build && state.lastKnownGood.configurationHash == state.inForce?.configurationHash) {
        error("speedGateRollback: ${state.service} runs its last known good build already, after a way back: which build is to come instead, a person says on the page of the gate")
    }
    return true
}
