import com.cloudbees.groovy.cps.NonCPS

/**
 * Internal: the arguments of a step, checked by rules and completed; fails with all errors at once.
 * @param step its name, for the message
 * @param rules by name, see {@link #check}
 */
Map checked(String step, Map rules, Map args) {
    Map environment = [:]
    List names = environmentOf(rules)
    for (int i = 0; i < names.size(); i++) { environment[names[i]] = env[names[i]] }
    Map answer = check(rules, args, environment)
    if (answer.errors) {
        error("${step}: ${answer.errors.size()} wrong argument(s)\n - ${answer.errors.join('\n - ')}")
    }
    return answer.values
}

/** Internal: what every step takes that talks to the gate service. */
Map connection() {
    return [
        url          : [text: true, fromEnvironment: 'SPEED_GATE_URL', pattern: 'https?://[^\\s]+', form: 'an address such as https://gate.example.com',
                        mandatory: 'give it, or set SPEED_GATE_URL for all jobs'],
        credentialsId: [text: true, default: 'speed-gate'],
        transport    : [oneOf: ['curl', 'httpRequest'], default: 'curl'],
        agent        : [text: true, default: ''],
    ]
}

/**
 * Internal: checks arguments by rules. A rule is a map of: the type, one of `text`, `flag`, `list`, `map` (each true)
 * or `oneOf` (a list of words) or `number` (with `above`); `or` (words that stand for themselves beside the type);
 * `pattern` with `form` (in words); `default` or `fromEnvironment` (name of a variable); `mandatory` (what it is).
 * @return errors (list of text) and values (every known name, null where nothing was given)
 */
@NonCPS
Map check(Map rules, Map args, Map environment) {
    List errors = []
    List known = []
    Map values = [:]
    for (Map.Entry entry : rules.entrySet()) {
        Map rule = entry.value
        known.add(entry.key)
        values[entry.key] = rule.fromEnvironment ? environment[rule.fromEnvironment] : rule.default
    }
    for (Map.Entry entry : (args ?: [:]).entrySet()) {
        String name = entry.key.toString()
        if (!rules.containsKey(name)) {
            errors.add("unknown argument '${name}' (did you mean '${nearest(name, known)}'?)".toString())
        } else if (entry.value != null) {
            values[name] = plain(entry.value)
        }
    }
    for (Map.Entry entry : rules.entrySet()) {
        Map rule = entry.value
        Object value = values[entry.key]
        boolean absent = value == null || value == ''
        String wrong = absent ? null : expectation(rule, value)
        if (absent && rule.mandatory) { errors.add("${entry.key} is missing: ${rule.mandatory}".toString()) }
        if (wrong) { errors.add("${entry.key} is '${value}', expected ${wrong}".toString()) }
    }
    return [errors: errors, values: values]
}

/** Internal: a copy that is serialisable and JSON: text for GString, plain maps and lists all the way down. */
@NonCPS
Object plain(Object value) {
    if (value instanceof Map) {
        Map copy = [:]
        for (Map.Entry entry : value.entrySet()) { copy[entry.key.toString()] = plain(entry.value) }
        return copy
    }
    if (value instanceof Collection) {
        List copy = []
        for (Object one : value) { copy.add(plain(one)) }
        return copy
    }
    return value instanceof GString ? value.toString() : value
}

/** What was expected in place of the value; null when it is right. */
@NonCPS
private String expectation(Map rule, Object value) {
    if (rule.or && rule.or.contains(value)) { return null }
    String beside = rule.or ? "'${rule.or.join("', '")}' or " : ''
    String example = rule.example ? " such as ${rule.example}" : ''
    if (rule.oneOf && !rule.oneOf.contains(value)) { return "one of ${rule.oneOf.join(', ')}" }
    if (rule.flag && !(value instanceof Boolean)) { return 'true or false' }
    if (rule.list && (!(value instanceof List) || value.isEmpty())) { return "${beside}a list${example}" }
    if (rule.map && (!(value instanceof Map) || value.isEmpty())) { return "${beside}a map${example}" }
    if (rule.text && !(value instanceof String)) { return "${beside}text${example}" }
    if (rule.number && (!(value instanceof Number) || value <= (rule.above ?: 0))) { return "a number above ${rule.above ?: 0}" }
    if (rule.pattern && !value.toString().matches(rule.pattern.toString())) { return rule.form }
    return null
}

@NonCPS
private List environmentOf(Map rules) {
    List names = []
    for (Map.Entry entry : rules.entrySet()) {
        if (entry.value.fromEnvironment) { names.add(entry.value.fromEnvironment) }
    }
    return names
}

/** The known name with the smallest edit distance (Levenshtein). */
@NonCPS
private String nearest(String name, List known) {
    String best = known[0]
    int least = 1000
    for (String candidate : known) {
        int distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
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
