/**
 * Gates a build: uploads it, starts a run, follows it, and fails the build on a rollback.
 * See speedGate.txt for the arguments.
 */
Map call(Map args = [:]) {
    Map values = speedGateArguments.checked('speedGate', parameters(), args)
    if (!env.NODE_NAME) { return gated(values) }
    Map result = null
    // One credentials binding for everything that is asked on this node.
    speedGateClient.within(values) { result = gated(values) }
    return result
}

/** Internal: what the step takes. */
Map parameters() {
    return speedGateStart.parameters() + speedGateWait.waiting()
}

private Map gated(Map values) {
    return speedGateWait.waited(values, speedGateStart.started(values))
}
