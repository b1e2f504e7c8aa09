import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * Internal: one request with the step httpRequest (plugin HTTP Request), for agents without curl and a POSIX shell;
 * see speedGateClient.attempt. The token is in an argument of the step here, which Jenkins masks and warns about.
 */
Map call(Map request) {
    if (request.upload) { return upload(request) }
    if (request.follow) { return follow(request) }
    int tries = request.once ? 1 : Integer.parseInt(env.SPEED_GATE_TRIES ?: '5')
    Map answer = null
    for (int attempt = 1; attempt <= tries; attempt++) {
        answer = once(request)
        if (answer.reached && answer.status != 429 && answer.status < 500) { return answer }
        if (attempt < tries) { sleep(time: answer.retryAfter ?: Math.min(attempt, 4), unit: 'SECONDS') }
    }
    return answer
}

private Map upload(Map request) {
    if (!fileExists(request.upload)) {
        return speedGateAnswer.unable("there is no file ${request.upload} in the workspace".toString())
    }
    String digest = sha256(file: request.upload)
    Map answer = call([method: 'PUT', path: "/v1/builds/${digest}".toString(), sends: request.upload, seconds: 600])
    return answer.reached && answer.status < 300 ? answer + [body: [sha256: digest]] : answer
}

private Map follow(Map request) {
    long end = System.currentTimeMillis() + request.seconds * 1000L
    Map asked = [method: 'GET', path: "/v1/runs/${request.follow}/events?after=${request.after}".toString()]
    Map answer = call(asked)
    while (answer.reached && answer.status == 200 && !answer.body.events && System.currentTimeMillis() < end) {
        sleep(time: 3, unit: 'SECONDS')
        answer = call(asked)
    }
    return answer
}

private Map once(Map request) {
    try {
        Object response = httpRequest(optionsOf(request))
        Map answer = speedGateAnswer.of(response.status, request.toFile && response.status < 400 ? '' : response.content)
        return answer + [retryAfter: speedGateAnswer.retryAfter(response.headers)]
    } catch (FlowInterruptedException interrupted) {
        throw interrupted
    } catch (Exception failure) {
        // Also a step that a restart of the controller has broken: asking again is safe.
        return speedGateAnswer.unreached("${env.SPEED_GATE_URL}: ${failure.message}".toString())
    }
}

/** The step takes the token in no other way; maskValue keeps it out of the log and the page of the build's steps. */
@SuppressWarnings('Interpolation')
private Map optionsOf(Map request) {
    List headers = [[name: 'Authorization', value: 'Bearer ' + env.SPEED_GATE_TOKEN, maskValue: true],
                    [name: 'Accept', value: request.toFile ? '*/*' : 'application/json']]
    List names = new ArrayList((request.headers ?: [:]).keySet())
    for (int i = 0; i < names.size(); i++) { headers.add([name: names[i], value: request.headers[names[i]].toString()]) }
    Map options = [url: speedGateAnswer.address(env.SPEED_GATE_URL, request.path), httpMode: request.method, customHeaders: headers,
                   validResponseCodes: '100:599', quiet: true, consoleLogResponseBody: false, timeout: request.seconds ?: 60]
    if (request.body != null) {
        headers.add([name: 'Content-Type', value: 'application/json'])
        options.requestBody = speedGateAnswer.json(request.body)
    }
    if (request.sends) {
        headers.add([name: 'Content-Type', value: 'application/octet-stream'])
        options.uploadFile = request.sends
        options.wrapAsMultipart = false
    }
    if (request.toFile) { options.outputFile = request.toFile }
    return options
}
