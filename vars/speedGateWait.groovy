/**
 * Follows a run that speedGateStart has started, and fails the build on a rollback.
 * See speedGateWait.txt for the arguments.
 */
Map call(Map args = [:]) {
    // `speedGateWait(run)` is `speedGateWait(run: run)`.
    Map given = args?.runId ? [run: args] : args
    Map inherited = given?.run instanceof Map ? given.run.connection ?: [:] : [:]
    Map values = speedGateArguments.checked('speedGateWait', parameters(), inherited + (given ?: [:]))
    if (values.run instanceof Map && !values.run.runId) {
        error('speedGateWait: run has no runId: give what speedGateStart returned, or the id of a run')
    }
    return waited(values, values.run instanceof Map ? values.run : [runId: values.run])
}

/** Internal: what the step takes. */
Map parameters() {
    return [run: [mandatory: 'what speedGateStart returned, or the id of a run']] + waiting() + speedGateArguments.connection()
}

/** Internal: how to wait and what to do with the decision. */
Map waiting() {
    return [
        failBuild         : [flag: true, default: true],
        onInconclusive    : [oneOf: ['fail', 'unstable'], default: 'fail'],
        publish           : [flag: true, default: true],
        onPass            : [oneOf: ['return', 'wait'], default: 'return'],
        timeoutMinutes    : [number: true, default: 30],
        approvalMinutes   : [number: true, default: 480],
        unreachableMinutes: [number: true, default: 5],
    ]
}

/** Internal: waits and concludes; the arguments are checked already. */
Map waited(Map values, Map started) {
    Map run = speedGateFollow(values, started)
    Map result = speedGateConclusion.resultOf(run, speedGateAnswer.address(values.url, "/#/runs/${run.id}"))
    speedGateConclusion.tell(run, result)
    if (values.publish) { speedGatePublish.published(values, run.id) }
    speedGateConclusion.apply(values, result)
    if (result.decision == 'pass' && values.onPass == 'wait') {
        if (env.NODE_NAME) { echo('[speedGate] waits for a person inside a node, and holds its executor: call the step outside of node { }') }
        result.promotion = speedGateApproval(values, run)
    }
    return result
}
