/** Internal: the run as it stands, as far as an order is about it. */
Map read(Map values, String runId) {
    Map run = null
    speedGateClient.within(values) {
        run = speedGateConclusion.essence(speedGateClient.ask(values, [method: 'GET', path: "/v1/runs/${runId}".toString(), what: 'run']).body)
    }
    return run
}

/** The same, over a service that is silent for a while (it is being upgraded); fails at `end`, or when it refuses. */
private Map readPatiently(Map values, String runId, long end) {
    Map state = [runId: runId, finished: true, silentSince: null]
    Map patience = [unreachableMinutes: Math.max(5L, (end - System.currentTimeMillis()).intdiv(60000))]
    Map run = null
    while (run == null) {
        speedGateClient.within(values) {
            Map answer = speedGateClient.attempt(values, [method: 'GET', path: "/v1/runs/${runId}".toString(), what: 'run'])
            if (speedGateFollow.answered(values + patience, state, answer)) { run = speedGateConclusion.essence(answer.body) }
        }
        if (run == null) { sleep(time: 5, unit: 'SECONDS') }
    }
    return run
}

/**
 * Internal: an order of the same kind that already stands beside the decision and is good: it waits, or what it has
 * brought into production is on its way or there. Null when there is none.
 */
Map standing(Map values, Map run) {
    Map latest = run.override
    if (latest?.order != values.order) { return null }
    if (latest.state == 'waiting') { return latest }
    return latest.state == 'acted' && speedGatePromotion.holds(values, latest.id, run.service) ? latest : null
}

/** Internal: what is wrong with what a person answered; empty when nothing is. */
String problemOf(Map values, Map answer) {
    if ((answer.reason ?: '').trim().length() < 10) { return 'say why, in at least 10 characters' }
    if (answer.speedGateApproval == values.credentialsId) {
        return "the credentials '${values.credentialsId}' are the job's: an order takes the approver's own token"
    }
    return ''
}

/**
 * Internal: gives the order with the approver's own token, never with the job's.
 * @return order, as the service took it; or problem, for the approver
 */
Map given(Map values, Map run, Map answer) {
    String reason = answer.reason.trim()
    // Tells this order apart from others, should the answer to it get lost.
    String signed = "${reason.length() > 1800 ? reason.substring(0, 1800) : reason} (${answer.approver} in ${env.BUILD_TAG ?: 'Jenkins'})".toString()
    String expires = java.time.Instant.parse('1970-01-01T00:00:00Z').plusMillis(System.currentTimeMillis())
        .plusSeconds(Math.round(values.expiresMinutes * 60d)).toString()
    Map taken = null
    speedGateClient.within(values + [credentialsId: 'speedGateApproval']) {
        taken = speedGateClient.attempt(values, [
            method: 'POST', path: "/v1/runs/${run.id}/override".toString(), what: 'override', once: true,
            headers: ['If-Match': "\"${run.revision}\"".toString()], body: [order: values.order, reason: signed, expiresAt: expires],
        ])
    }
    if (taken.reached && taken.status < 400) { return [order: speedGateConclusion.essence(taken.body).override] }
    Map now = read(values, run.id)
    List orders = now.overrides ?: []
    for (int i = 0; i < orders.size(); i++) {
        if (orders[i].reason == signed) { return [order: orders[i]] }
    }
    return [problem: wordsOf(taken)]
}

private String wordsOf(Map answer) {
    if (answer.unable) { return answer.problem }
    if (!answer.reached || answer.status >= 500) { return "the gate service did not answer (${answer.problem})".toString() }
    if (answer.status == 401) { return "the gate service does not know this token: ${answer.problem}".toString() }
    if (answer.status == 403) { return "this token may not override: ${answer.problem}".toString() }
    if (answer.status == 412) { return 'the run or the orders beside it have changed meanwhile: look again' }
    return answer.problem
}

/** Internal: waits until a person gives the order on the service's own page. */
Map awaited(Map values, Map run, long end) {
    List known = idsOf(run)
    echo("[speedGate] to ${values.order} it all the same, give the order at ${speedGateAnswer.address(values.url, '/#/runs/' + run.id)}")
    while (System.currentTimeMillis() < end) {
        List orders = readPatiently(values, run.id, end).overrides ?: []
        for (int i = 0; i < orders.size(); i++) {
            if (known.contains(orders[i].id)) { continue }
            if (orders[i].order == values.order) { return orders[i] }
            known.add(orders[i].id)
            echo("[speedGate] ${orders[i].actor} ordered ${orders[i].order}: ${orders[i].reason}")
        }
        sleep(time: 5, unit: 'SECONDS')
    }
    error("speedGateOverride: nobody ordered to ${values.order} run ${run.id} within ${values.timeoutMinutes} minutes. The decision stands.")
}

/** Internal: follows an order until it has come to something; fails the build when it could not be carried out. */
Map followed(Map values, String runId, Map order) {
    Map now = order
    // Past its expiry an order cannot act any more; the service says so within moments.
    long end = System.currentTimeMillis() + Math.round(values.expiresMinutes * 60000d) + 300000
    echo("[speedGate] ${order.actor} orders ${order.order}: ${order.reason}")
    while (now.state == 'waiting') {
        if (System.currentTimeMillis() > end) { error("GateTimeout: the order of ${order.actor} still waits after its expiry: look at ${speedGateAnswer.address(values.url, '/#/runs/' + runId)}") }
        sleep(time: 3, unit: 'SECONDS')
        now = latestOf(readPatiently(values, runId, end), order)
    }
    if (now.state == 'acted') {
        Map run = readPatiently(values, runId, end)
        Map promotion = speedGatePromotion.followed(values, [id: now.id, service: run.service, state: 'running'])
        speedGatePromotion.require(promotion)
        echo("[speedGate] ${run.service}: build ${promotion.build.take(12)} is in production by order of ${now.actor}")
    } else if (now.state == 'stands') {
        echo("[speedGate] the order stands beside the decision: ${now.outcome ?: 'nothing had to be done'}")
    } else {
        error("speedGateOverride: the order of ${now.actor} is ${now.state}: ${now.outcome ?: 'no reason was given'}")
    }
    return now
}

private Map latestOf(Map run, Map order) {
    List orders = run.overrides ?: []
    for (int i = 0; i < orders.size(); i++) {
        if (orders[i].id == order.id) { return orders[i] }
    }
    error("speedGateOverride: run ${run.id} does not know the order ${order.id} any more")
}

private List idsOf(Map run) {
    List ids = []
    List orders = run.overrides ?: []
    for (int i = 0; i < orders.size(); i++) { ids.add(orders[i].id) }
    return ids
}
