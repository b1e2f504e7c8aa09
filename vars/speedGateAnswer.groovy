import com.cloudbees.groovy.cps.NonCPS
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

/** Internal: what the helper script printed (`answered STATUS`, `unreachable WHY` or `unable WHY`, then the body) as an answer. */
@NonCPS
Map ofScript(String text) {
    int end = text.indexOf('\n')
    String first = (end < 0 ? text : text.substring(0, end)).trim()
    if (first.startsWith('unable ')) { return unable(first.substring(7)) }
    if (!first.matches('answered \\d{3}')) {
        return unreached(first.startsWith('unreachable ') ? first.substring(12) : "the helper script printed '${first}'")
    }
    return of(Integer.parseInt(first.substring(9)), end < 0 ? '' : text.substring(end + 1))
}

/**
 * Internal: an answer of the service.
 * @return reached, status, problem (null below 400), body (plain serialisable maps and lists, null where there is none)
 */
@NonCPS
Map of(int status, String text) {
    String json = (text ?: '').trim()
    if (status >= 300 && status < 400) { return unreached("answered ${status}, a redirect: is this the address of the gate service itself?") }
    Object body = null
    try {
        // JsonSlurper's maps are lazy and not serialisable: they do not leave this method.
        body = json ? plain(new JsonSlurper().parseText(json)) : null
    } catch (Exception ignored) {
        return [reached: false, status: status, body: null,
                problem: "answered ${status} with something that is not JSON: ${json.take(200)}".toString()]
    }
    return [reached: true, status: status, body: body, problem: status < 400 ? null : problemOf(body, json)]
}

/** Internal: an answer that never came. */
@NonCPS
Map unreached(String why) {
    return [reached: false, status: 0, body: null, problem: why.toString()]
}

/** Internal: a question that this agent cannot put, as often as it tries. */
@NonCPS
Map unable(String why) {
    return unreached(why) + [unable: true]
}

/** Internal: the words that a step fails with; `what` was asked for. */
@NonCPS
String failure(Map answer, String what) {
    if (answer.unable) {
        return "GateNotAsked: ${answer.problem}. The gate service was not asked ('${what}'), so that nothing was judged."
    }
    if (!answer.reached || answer.status >= 500) {
        String said = answer.reached ? "the gate service answered ${answer.status} to '${what}': ${answer.problem}" : answer.problem
        return "GateUnreachable: ${said}. This is no verdict on the build: nothing was judged. Is the service up, and reachable from this agent?"
    }
    if (answer.status == 401 || answer.status == 403) {
        return "GateRefused: the gate service does not accept the token of this job for '${what}' (${answer.status}): ${answer.problem}. Check the credentials of the step (credentialsId)."
    }
    return "GateRejected: the gate service rejected '${what}' (${answer.status}): ${answer.problem}"
}

/** Internal: JSON of a request's body. */
@NonCPS
String json(Map body) { return JsonOutput.toJson(body) }

/** Internal: address of a path of the service. */
@NonCPS
String address(String url, String path) {
    return (url.endsWith('/') ? url.substring(0, url.length() - 1) : url) + path
}

/** Internal: seconds that the service asks to wait (Retry-After), at most a minute; null when it does not say. */
@NonCPS
Integer retryAfter(Map headers) {
    for (Map.Entry entry : (headers ?: [:]).entrySet()) {
        if (entry.key?.toString()?.equalsIgnoreCase('retry-after') && entry.value) {
            String said = entry.value instanceof List ? entry.value[0] : entry.value.toString()
            return said.matches('\\d{1,6}') ? Math.min(Integer.parseInt(said), 60) : null
        }
    }
    return null
}

@NonCPS
private String problemOf(Object body, String text) {
    if (!(body instanceof Map)) { return text.take(500) }
    String words = body.detail ?: body.title ?: text.take(500)
    for (Object one : body.errors ?: []) {
        if (!words.contains(one.detail.toString())) { words += "; ${one.pointer}: ${one.detail}" }
    }
    return words
}

@NonCPS
private Object plain(Object value) {
    if (value instanceof Map) {
        Map copy = [:]
        for (Map.Entry entry : value.entrySet()) { copy[entry.key] = plain(entry.value) }
        return copy
    }
    if (value instanceof List) {
        List copy = []
        for (Object one : value) { copy.add(plain(one)) }
        return copy
    }
    return value
}
