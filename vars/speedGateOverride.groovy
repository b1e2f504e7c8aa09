/**
 * Asks a person for an order against a decision, and follows what comes of it. The decision stays as it was.
 * See speedGateOverride.txt for the arguments.
 */
Map call(Map args = [:]) {
    Map values = speedGateArguments.checked('speedGateOverride', parameters(), args)
    if (env.NODE_NAME) {
        error('speedGateOverride: inside a node it would hold an executor while it waits for a person. Call it outside: in a declarative pipeline in a stage of its own with `agent none` for the pipeline, in a scripted one after the end of node { }.')
    }
    if (values.where == 'jenkins' && env.CHANGE_ID) {
        // What is chosen in the dialog can be used by the rest of the Jenkinsfile, and a pull request brings its own.
        error("speedGateOverride: no approver's token in the build of a pull request: where: 'gate' asks on the page of the gate")
    }
    String runId = speedGatePromotion.runIdOf('speedGateOverride', values.run)
    Map run = speedGateOrder.read(values, runId)
    Map order = speedGateOrder.standing(values, run)
    if (!order && !isOpen(values, run)) { return resultOf(values, run, null) }
    if (!order) { order = asked(values, run) }
    order = speedGateOrder.followed(values, runId, order)
    speedGatePublish.describe("${run.service}: ${order.actor} ordered ${order.order} (${order.state})".toString())
    return resultOf(values, run, order)
}

/** Internal: what the step takes. */
Map parameters() {
    return [
        run           : [mandatory: 'what speedGate returned, or the id of a run'],
        order         : [oneOf: ['promote', 'rollback'], default: 'promote'],
        where         : [oneOf: ['gate', 'jenkins'], default: 'gate'],
        submitter     : [text: true, default: ''],
        milestone     : [flag: true, default: false],
        expiresMinutes: [number: true, default: 60],
        timeoutMinutes: [number: true, default: 60],
    ] + speedGateArguments.connection()
}

/** Whether there is something to order against. */
private boolean isOpen(Map values, Map run) {
    if (run.phase != 'finished') { error("speedGateOverride: run ${run.id} has no decision yet (${run.phase})") }
    if (values.order == 'promote' && run.decision != 'rollback') {
        echo("[speedGate] run ${run.id} ended with ${run.decision}: nothing to override${run.decision == 'pass' ? ', speedGatePromote promotes it' : ''}")
        return false
    }
    if (values.order == 'rollback' && run.decision == 'rollback') {
        echo("[speedGate] run ${run.id} ended with rollback already: nothing to override")
        return false
    }
    return true
}

/** Waits for a person, in Jenkins or at the gate; the order as the service has it. */
private Map asked(Map values, Map first) {
    if (values.milestone) {
        // Jenkins ends all builds of the job that are older and have not come to this point.
        speedGateOptional(step: 'milestone', plugin: 'Pipeline: Milestone Step', loses: 'the end of older builds') { milestone() }
    }
    long end = System.currentTimeMillis() + Math.round(values.timeoutMinutes * 60000d)
    Map run = first
    String problem = ''
    while (values.where == 'jenkins') {
        Map answer = dialog(values, run, problem, end)
        problem = speedGateOrder.problemOf(values, answer)
        if (!problem && !answer.speedGateApproval) { break }
        if (!problem) {
            Map given = speedGateOrder.given(values, run, answer)
            if (given.order) { return given.order }
            problem = given.problem
        }
        echo("[speedGate] the order was not taken: ${problem}")
        // What the person sees next is how the run stands now.
        run = speedGateOrder.read(values, run.id)
    }
    return speedGateOrder.awaited(values, run, end)
}

/** Jenkins' own dialog, on no executor. Its time-out and its button Abort end the build. */
private Map dialog(Map values, Map run, String problem, long end) {
    String before = problem ? "The last order was not taken: ${problem}\n\n" : ''
    String question = values.order == 'promote' ? 'Promote it all the same?' : 'Take it back all the same?'
    Object answer = null
    timeout(time: Math.max(1L, end - System.currentTimeMillis()), unit: 'MILLISECONDS') {
        answer = input(
            message: "${before}${run.service}: ${run.decision} (${run.cause}). ${run.summary}\n\n${question} ${speedGateAnswer.address(values.url, '/#/runs/' + run.id)}".toString(),
            ok: "Order: ${values.order}".toString(), submitter: values.submitter, submitterParameter: 'approver',
            parameters: [
                text(name: 'reason', defaultValue: '', description: 'Why, in at least 10 characters. The audit keeps it.'),
                credentials(name: 'speedGateApproval', defaultValue: '', required: false,
                    credentialType: 'org.jenkinsci.plugins.plaincredentials.impl.StringCredentialsImpl',
                    description: "Your own token of the gate at ${values.url}, from the credentials of your user. This Jenkinsfile can use it from then on. Leave it empty to order on the page of the gate.".toString()),
            ])
    }
    return [reason: answer.reason?.toString(), approver: answer.approver?.toString(), speedGateApproval: answer.speedGateApproval?.toString()]
}

private Map resultOf(Map values, Map run, Map order) {
    return [ordered: order != null, order: order?.order, actor: order?.actor, reason: order?.reason, state: order?.state,
            promotion: order?.state == 'acted' ? order.id : null, runId: run.id,
            url: speedGateAnswer.address(values.url, "/#/runs/${run.id}")]
}
