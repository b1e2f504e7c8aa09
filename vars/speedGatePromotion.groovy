/**
 * Internal: orders a promotion of what is already judged, or finds the one that this build has ordered before.
 * @param order service, build, configuration (hash), reason
 * @return id, state, actor, reason and so on of the promotion
 */
Map ordered(Map values, Map order) {
    // Told apart from other builds' orders: a build that lost the answer finds its own again.
    String reason = "${order.reason.trim()} (${env.BUILD_TAG ?: 'Jenkins'})".toString()
    Map found = find(values, order, reason, ['running', 'completed'])
    for (int attempt = 1; !found; attempt++) {
        Map answer = speedGateClient.attempt(values, [
            method: 'POST', path: "/v1/services/${order.service}/promotions".toString(), what: 'promotion', once: true,
            body: [build: order.build, configuration: order.configuration, reason: reason],
        ])
        if (answer.reached && answer.status < 400) { return essence(answer.body) }
        boolean mayPass = !answer.reached || answer.status == 429 || answer.status >= 500
        if (!mayPass || attempt >= 5) { error(speedGateAnswer.failure(answer, 'promotion')) }
        echo("[speedGate] no answer to the order (${answer.problem}): looking whether it was taken")
        sleep(time: attempt, unit: 'SECONDS')
        found = find(values, order, reason, ['running', 'completed', 'returned', 'failed'])
    }
    return found
}

/**
 * Internal: follows a promotion to its end, also outside a node.
 * @return the ended promotion, whatever became of it
 */
Map followed(Map values, Map promotion) {
    long end = System.currentTimeMillis() + Math.round(values.timeoutMinutes * 60000d)
    Map seen = promotion + [told: 0]
    while (seen.state == 'running') {
        if (System.currentTimeMillis() > end) {
            error("GateTimeout: promotion ${seen.id} of ${seen.service} has not ended after ${values.timeoutMinutes} minutes. It goes on at the gate service: ${page(values, seen.service)}")
        }
        sleep(time: 3, unit: 'SECONDS')
        Map now = null
        speedGateClient.within(values) { now = look(values, seen.id) }
        if (now) { seen = now + [told: tell(now, seen.told)] }
    }
    return seen
}

/** Internal: fails the build when a promotion has ended in another way than asked for. */
void require(Map promotion) {
    if (promotion.state == 'completed') { return }
    error("speedGate: the promotion of ${promotion.service} ${promotion.state == 'returned' ? 'went back' : promotion.state}: ${promotion.summary ?: 'no reason was given'} It was ordered by ${promotion.actor}.")
}

/** Internal: the id of a run, from what a step returned or from itself. */
String runIdOf(String step, Object run) {
    Object id = run instanceof Map ? run.runId : run
    if (!(id instanceof String) || !id.matches('[A-Za-z0-9][A-Za-z0-9_-]{0,79}')) {
        error("${step}: run is '${id}', expected what speedGate returned, or the id of a run")
    }
    return id
}

/** Internal: whether what a promotion has brought, or brings just now, is what production runs. */
boolean holds(Map values, String id, String service) {
    boolean holding = false
    speedGateClient.within(values) {
        String state = speedGateClient.ask(values, [method: 'GET', path: "/v1/promotions/${id}".toString(), what: 'promotion']).body.state
        if (state == 'completed') {
            Map now = speedGateClient.ask(values, [method: 'GET', path: "/v1/services/${service}".toString(), what: 'service']).body
            holding = now.inForce?.promotionId == id
        } else {
            holding = state == 'running'
        }
    }
    return holding
}

/** Internal: a service's page, for a person. */
String page(Map values, String service) {
    return speedGateAnswer.address(values.url, "/#/services/${service}")
}

/** The promotion in one of the states that this very order has started before; null when there is none. */
private Map find(Map values, Map order, String reason, List states) {
    List items = speedGateClient.ask(values, [
        method: 'GET', path: "/v1/services/${order.service}/promotions?limit=20".toString(), what: 'promotions',
    ]).body.items
    for (int i = 0; i < items.size(); i++) {
        Map one = items[i]
        if (one.build == order.build && one.configuration == order.configuration && one.reason == reason
            && states.contains(one.state)) { return essence(one) }
    }
    return null
}

/** Once; null when the service does not answer just now. */
private Map look(Map values, String id) {
    Map answer = speedGateClient.attempt(values, [method: 'GET', path: "/v1/promotions/${id}".toString(), what: 'promotion'])
    if (!answer.reached || answer.status == 429 || answer.status >= 500) {
        echo("[speedGate] no answer about promotion ${id} (${answer.problem}): asking again")
        return null
    }
    if (answer.status >= 400) { error(speedGateAnswer.failure(answer, 'promotion')) }
    return essence(answer.body)
}

/** Says the steps that are new; answers with how many are told. */
private int tell(Map promotion, int told) {
    for (int i = told; i < promotion.steps.size(); i++) {
        echo("[speedGate] ${promotion.service} at ${promotion.steps[i].weight} %: ${promotion.steps[i].sentence}")
    }
    return promotion.steps.size()
}

private Map essence(Map promotion) {
    return [id: promotion.id, service: promotion.service, build: promotion.build, configuration: promotion.configuration,
            state: promotion.state, actor: promotion.actor, reason: promotion.reason, summary: promotion.summary,
            steps: promotion.steps ?: []]
}
