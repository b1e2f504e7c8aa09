/**
 * Internal: waits until a person has promoted a build that passed; answers with the promotion (id, actor, reason).
 * Fails the build when it came back, or when nobody promoted it in time. The gate checks who may.
 */
Map call(Map values, Map run) {
    echo("[speedGate] waits up to ${values.approvalMinutes} min for a person to promote it: ${speedGateAnswer.address(values.url, '/#/runs/' + run.id)}")
    Map state = [runId: run.id, finished: true, since: System.currentTimeMillis(), seen: null, silentSince: null]
    while (System.currentTimeMillis() - state.since < values.approvalMinutes * 60000L) {
        Map promotion = null
        speedGateClient.within(values) { promotion = latest(values, state, run) }
        if (promotion?.state == 'completed') {
            echo("[speedGate] ${promotion.actor} promoted it: ${promotion.reason}")
            return promotion
        }
        if (promotion && promotion.state != 'running') {
            error("speedGate: the promotion by ${promotion.actor} ${promotion.state}: ${promotion.summary} Run ${run.id} passed, production has what it had before.")
        }
        if (promotion && promotion.id != state.seen) {
            state.seen = promotion.id
            echo("[speedGate] ${promotion.actor} promotes it: ${promotion.reason}")
        }
        sleep(time: 15, unit: 'SECONDS')
    }
    error("speedGate: run ${run.id} passed, but nobody promoted it within ${values.approvalMinutes} minutes. Nothing had to be restored: production was not touched by this run.")
}

/**
 * The latest promotion of the build and configuration that the run judged, ordered since the run began: an earlier one
 * was nobody's answer to this run. Null when there is none, or no answer just now.
 */
private Map latest(Map values, Map state, Map run) {
    Map answer = speedGateClient.attempt(values, [
        method: 'GET', path: "/v1/services/${run.service}/promotions?limit=50".toString(), what: 'promotions',
    ])
    if (!speedGateFollow.answered(values, state, answer)) { return null }
    List items = answer.body.items
    for (int i = 0; i < items.size(); i++) {
        Map one = items[i]
        // A person's promotion of what was in production before is stored as a way back.
        boolean byPerson = one.origin == 'person' || (one.origin == 'restore' && one.actor != 'speed-gate')
        if (one.build == run.build && one.configuration == run.configuration?.hash && byPerson
            && speedGateProgress.isSince(one.createdAt, run.createdAt)) {
            return [id: one.id, state: one.state, actor: one.actor, reason: one.reason, summary: one.summary]
        }
    }
    return null
}
