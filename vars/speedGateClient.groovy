import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * Internal: runs the body where the gate service can be asked: on a node, with and the token.
 * Takes a node itself when the step is outside one. Calls inside each other cost nothing.
 * @param values url, credentialsId, transport and agent of the step
 */
Object within(Map values, Closure body) {
    if (env.SPEED_GATE_SCOPE == scopeOf(values)) { return body() }
    if (env.NODE_NAME) { return prepared(values, body) }
    Object result = null
    node(values.agent ?: '') { result = prepared(values, body) }
    return result
}

/**
 * Internal: asks the service, inside {@link #within}; fails the step with GateUnreachable, GateRefused or GateRejected.
 * @param request method, path, what (for messages); body (a map), headers (a map), toFile (where a body of any kind
 *   goes in the workspace), mayAnswer (statuses from 400 on that are given back), once (no retries)
 * @return status and body
 */
Map ask(Map values, Map request) {
    Map answer = attempt(values, request)
    boolean expected = (request.mayAnswer ?: []).contains(answer.status)
    if (answer.reached && (answer.status < 400 || expected)) { return answer }
    error(speedGateAnswer.failure(answer, request.what ?: "${request.method} ${request.path}".toString()))
}

/** Internal: as {@link #ask}, but whatever comes of it is given back: reached, status, problem, body. */
Map attempt(Map values, Map request) {
    return values.transport == 'httpRequest' ? speedGateHttpRequest(request) : speedGateCurl(request)
}

/** Internal: the same for a repeated request of the same build, so that the service makes one run of it. */
String key(String id) {
    String whole = "${env.BUILD_TAG ?: 'no-build-tag'}:${id}".toString()
    // The service takes 255 characters; what tells builds apart stands at the end of the tag.
    return whole.length() <= 255 ? whole : "${whole.hashCode()}:${whole.substring(whole.length() - 240)}".toString()
}

/** Internal: whether somebody, or a time-out, ends what is under way: never to be swallowed. */
boolean isInterruption(Throwable failure) {
    return failure instanceof FlowInterruptedException
}

private Object prepared(Map values, Closure body) {
    Object result = null
    withCredentials([string(credentialsId: values.credentialsId, variable: 'SPEED_GATE_TOKEN')]) {
        withEnv(["SPEED_GATE_URL=${values.url}", "SPEED_GATE_SCOPE=${scopeOf(values)}"]) {
            result = body()
        }
    }
    return result
}

private String scopeOf(Map values) {
    return "${values.url} ${values.credentialsId}".toString()
}
