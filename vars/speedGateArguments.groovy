import com.cloudbees.groovy.cps.NonCPS
import groovy.json.JsonOutput
import groovy.json.JsonSlurperClassic

/** Internal: checks and completes the arguments of speedGate. Answers [errors: List, values: Map]. */
@NonCPS
Map check(Map args, Map environment) {
    Map defaults = [
        service          : null,
        build            : null,
        label            : environment.BUILD_DISPLAY_NAME,
        thresholds       : null,
        workload         : null,
        tune             : null,
        against          : null,
        promote          : null,
        profile          : null,
        url              : environment.SPEED_GATE_URL,
        credentialsId    : 'speed-gate',
        gateId           : null,
        failBuild        : true,
        onInconclusive   : 'fail',
        timeoutMinutes   : 30,
    ]
    List errors = []
    for (Object key : args.keySet()) {
        if (!defaults.containsKey(key.toString())) {
            errors << "unknown argument '${key}' (did you mean '${nearest(key.toString(), defaults.keySet() as List)}'?)".toString()
        }
    }
    Map values = new HashMap(defaults)
    for (Map.Entry entry : args.entrySet()) {
        if (defaults.containsKey(entry.key.toString()) && entry.value != null) {
            values[entry.key.toString()] = entry.value instanceof GString ? entry.value.toString() : entry.value
        }
    }
    if (!values.service) { errors << "service is missing: the name of the service in the gate's catalogue, e.g. 'checkout'" }
    if (!values.build) { errors << "build is missing: the path of the WAR in the workspace, e.g. 'target/checkout.war'" }
    if (!values.url) { errors << 'url is missing: give it, or set SPEED_GATE_URL for all jobs' }
    oneOf(errors, 'promote', values.promote, ['auto', 'manual', 'never'])
    oneOf(errors, 'profile', values.profile, ['standard', 'quick'])
    oneOf(errors, 'against', values.against, ['production', 'reference'])
    oneOf(errors, 'onInconclusive', values.onInconclusive, ['fail', 'unstable'])
    if (!(values.failBuild instanceof Boolean)) { errors << "failBuild is '${values.failBuild}', expected true or false".toString() }
    if (values.thresholds != null && (!(values.thresholds instanceof List) || ((List) values.thresholds).isEmpty())) {
        errors << "thresholds is '${values.thresholds}', expected a list such as ['p95 <= baseline + 5%']".toString()
    }
    if (values.tune != null && values.tune != 'off' && !(values.tune instanceof Map)) {
        errors << "tune is '${values.tune}', expected 'off' or [evaluations: 4, seconds: 120]".toString()
    }
    if (values.workload != null && !(values.workload instanceof Map)) {
        errors << 'workload is not a map: read it with readYaml, or leave it to the catalogue'
    }
    if (!(values.timeoutMinutes instanceof Number) || ((Number) values.timeoutMinutes) <= 0) {
        errors << "timeoutMinutes is '${values.timeoutMinutes}', expected a number above 0".toString()
    }
    values.gateId = values.gateId ?: values.service
    return [errors: errors, values: values]
}

/** Internal: the body of POST /v1/runs. */
@NonCPS
String requestBody(Map values, String digest) {
    Map body = [service: values.service, build: digest]
    for (String key : ['label', 'thresholds', 'workload', 'tune', 'against', 'promote', 'profile', 'startedBy']) {
        if (values[key] != null) { body[key] = values[key] }
    }
    return JsonOutput.toJson(body)
}

/** Internal: first line and body of the helper script's answer, the body as plain serialisable maps and lists. */
@NonCPS
Map answer(String text) {
    int end = text.indexOf('\n')
    String first = end < 0 ? text.trim() : text.substring(0, end).trim()
    String body = end < 0 ? '' : text.substring(end + 1).trim()
    if (!first.startsWith('answered ')) {
        return [reached: false, status: 0, problem: first.replaceFirst('^unreachable ', ''), body: null]
    }
    int status = first.substring('answered '.length()) as int
    Object parsed = null
    try {
        parsed = body ? new JsonSlurperClassic().parseText(body) : null
    } catch (Exception ignored) {
        return [reached: false, status: status, problem: "answered ${status} with something that is not JSON: ${body.take(200)}".toString(), body: null]
    }
    String problem = null
    if (status >= 400) {
        problem = parsed instanceof Map ? (parsed.detail ?: parsed.title ?: body) : body
    }
    return [reached: true, status: status, problem: problem, body: parsed]
}

@NonCPS
private void oneOf(List errors, String name, Object value, List allowed) {
    if (value != null && !allowed.contains(value.toString())) {
        errors << "${name} is '${value}', expected one of ${allowed.join(', ')}".toString()
    }
}

/** The known key with the smallest edit distance (Levenshtein). */
@NonCPS
private String nearest(String key, List known) {
    String best = known[0]
    int least = Integer.MAX_VALUE
    for (String candidate : known) {
        int distance = editDistance(key.toLowerCase(), candidate.toLowerCase())
        if (distance < least) { least = distance; best = candidate }
    }
    return best
}

@NonCPS
private int editDistance(String a, String b) {
    int[] row = new int[b.length() + 1]
    for (int j = 0; j <= b.length(); j++) { row[j] = j }
    for (int i = 1; i <= a.length(); i++) {
        int diagonal = row[0]
        row[0] = i
        for (int j = 1; j <= b.length(); j++) {
            int above = row[j]
            int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1
            row[j] = Math.min(Math.min(row[j] + 1, row[j - 1] + 1), diagonal + change)
            diagonal = above
        }
    }
    return row[b.length()]
}
