/**
 * Uploads a build and starts its run at the gate; answers at once with what speedGateWait needs.
 * See speedGateStart.txt for the arguments.
 */
Map call(Map args = [:]) {
    return started(speedGateArguments.checked('speedGateStart', parameters(), args))
}

/** Internal: what the step takes. */
Map parameters() {
    return [
        service   : [text: true, mandatory: "the name of the service in the gate's catalogue, e.g. 'checkout'"],
        build     : [text: true, mandatory: "the path of the WAR in the workspace, e.g. 'target/checkout.war'"],
        label     : [text: true, fromEnvironment: 'BUILD_DISPLAY_NAME'],
        thresholds: [list: true, example: "['p95 <= baseline + 5%']"],
        workload  : [map: true, example: "readYaml(file: 'workload.yaml'), or leave it to the catalogue"],
        tune      : [map: true, or: ['off'], example: '[evaluations: 4, seconds: 120]'],
        against   : [oneOf: ['production', 'reference']],
        promote   : [oneOf: ['auto', 'manual', 'never']],
        profile   : [oneOf: ['standard', 'quick']],
        gateId    : [text: true],
        wake      : [text: true],
    ] + speedGateArguments.connection()
}

/** Internal: starts the run; the arguments are checked already. */
Map started(Map values) {
    String hook = values.wake ? hookOf(values) : null
    Map run = null
    speedGateClient.within(values) {
        String digest = digestOf(values)
        String key = speedGateClient.key("${values.gateId ?: values.service}:${digest.take(16)}")
        run = speedGateClient.ask(values, [
            method: 'POST', path: '/v1/runs', what: 'submit', headers: ['Idempotency-Key': key], body: bodyOf(values, digest, hook),
        ]).body
    }
    String url = speedGateAnswer.address(values.url, "/#/runs/${run.id}")
    echo("[speedGate] ${values.service}: run ${run.id} of build ${run.build.take(12)}: ${url}")
    Map connection = speedGateArguments.connection()
    List names = new ArrayList(connection.keySet())
    for (int i = 0; i < names.size(); i++) { connection[names[i]] = values[names[i]] }
    return [runId: run.id, url: url, service: values.service, build: run.build, hook: hook, connection: connection]
}

/** SHA-256 of the build: uploaded now, or given because it was uploaded before. */
private String digestOf(Map values) {
    if (values.build.matches('[0-9a-f]{64}')) { return values.build }
    return speedGateClient.ask(values, [upload: values.build, what: 'upload']).body.sha256
}

private Map bodyOf(Map values, String digest, String hook) {
    Map body = [service: values.service, build: digest]
    List names = ['label', 'thresholds', 'workload', 'tune', 'against', 'promote', 'profile']
    for (int i = 0; i < names.size(); i++) {
        if (values[names[i]] != null) { body[names[i]] = values[names[i]] }
    }
    String person = startedBy()
    if (person) { body.startedBy = person }
    // The service takes no longer one; what Jenkins calls a build may be.
    if (body.label) { body.label = body.label.take(80) }
    if (hook) { body.wake = [endpoint: values.wake, token: hook] }
    return body
}

/**
 * Who started this build by hand, or the build that has started this one; null when nobody did. He cannot override the
 * run that it asks for. What a Jenkinsfile may say (BUILD_USER_ID) counts only where Jenkins itself knows of nobody.
 */
private String startedBy() {
    String person = userOf(currentBuild)
    List builds = currentBuild.upstreamBuilds ?: []
    for (int i = 0; person == null && i < builds.size(); i++) { person = userOf(builds[i]) }
    return person ?: env.BUILD_USER_ID?.toString()
}

private String userOf(Object build) {
    List causes = build.getBuildCauses('hudson.model.Cause$UserIdCause')
    for (int i = 0; i < causes.size(); i++) {
        // An anonymous person has JSON's null, which is an object.
        String user = causes[i].userId?.toString()
        if (user && user != 'null') { return user }
    }
    return null
}

/** Token of a hook by which the gate wakes this build; null without the plugin. Only the token is kept: plain text. */
private String hookOf(Map values) {
    String token = null
    speedGateOptional(step: 'registerWebhook', plugin: 'Webhook Step', loses: "waking by the endpoint ${values.wake}") {
        token = registerWebhook().token
    }
    return token
}
