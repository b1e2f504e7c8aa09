/**
 * Internal: follows a run to its end, telling the log what happens, and answers with it. A run that is not finished
 * when this ends in any other way (an abort, a time-out, an error) is asked to cancel.
 * @param started runId, and hook where the gate wakes the build
 */
Map call(Map values, Map started) {
    // Everything that is held while a step runs is plain: the controller may start again at any of them.
    long now = System.currentTimeMillis()
    Map state = [runId: started.runId, hook: started.hook, after: 0, saidAt: 0L, queue: null, silentSince: null, decided: false,
                 onNode: env.NODE_NAME != null, since: now, quiet: 0, end: now + Math.round(values.timeoutMinutes * 60000d)]
    Map run = null
    try {
        // The end is looked at after each question; the step is for a question that hangs.
        timeout(time: Math.round(values.timeoutMinutes * 60d) + 300, unit: 'SECONDS') {
            while (run == null) {
                speedGateClient.within(values) { run = look(values, state) }
                if (run == null) { pause(values, state) }
            }
        }
    } finally {
        if (run == null) { abandon(values, state) }
    }
    return run
}

/** Asks once; the run when it is finished, otherwise null. Asking is all it does: it may be repeated at any time. */
private Map look(Map values, Map state) {
    // A node that was taken for the question is not kept waiting. Once it is decided only the end of the run is waited for.
    int seconds = !state.onNode || state.silentSince ? 0 : (state.decided ? 1 : 15)
    Map news = speedGateClient.attempt(values, [follow: state.runId, after: state.after, seconds: seconds, what: 'follow'])
    if (!answered(values, state, news)) { return null }
    List events = speedGateProgress.newer(news.body.events ?: [], state.after)
    List lines = speedGateProgress.lines(events, state.saidAt)
    for (int i = 0; i < lines.size(); i++) {
        echo("[speedGate] ${lines[i].text}")
        state.saidAt = lines[i].at
    }
    state.quiet = lines ? 0 : state.quiet + 1
    if (events) { state.after = events[events.size() - 1].sequence }
    if (events && !speedGateProgress.asksForRun(events)) { return null }
    if (speedGateProgress.isDecided(events)) { state.decided = true }
    Map answer = speedGateClient.attempt(values, [method: 'GET', path: "/v1/runs/${state.runId}".toString(), what: 'run'])
    if (!answered(values, state, answer)) { return null }
    Map run = answer.body
    if (run.queue && run.queue.reason != state.queue) {
        state.queue = run.queue.reason
        state.quiet = 0
        echo("[speedGate] queued, ${run.queue.ahead} ahead: ${state.queue}")
    } else if (run.phase != 'finished' && !state.decided && state.quiet > 0 && state.quiet % 4 == 0) {
        // Each question waits for a quarter of a minute.
        echo("[speedGate] ${speedGateProgress.still(run, System.currentTimeMillis() - state.since)}")
    }
    return run.phase == 'finished' ? speedGateConclusion.essence(run) : null
}

/**
 * Internal: whether it is an answer. A service that is silent for a while (it is being upgraded) decides nothing and ends
 * nothing: it is asked again, up to unreachableMinutes.
 */
boolean answered(Map values, Map state, Map answer) {
    if (answer.reached && answer.status < 400) {
        if (state.silentSince) { echo('[speedGate] the gate service answers again') }
        state.silentSince = null
        return true
    }
    String failure = speedGateAnswer.failure(answer, "run ${state.runId}")
    boolean mayPass = !answer.unable && (!answer.reached || answer.status >= 500 || answer.status == 429)
    if (!mayPass) { error(failure) }
    long now = System.currentTimeMillis()
    if (!state.silentSince) {
        state.silentSince = now
        echo("[speedGate] no answer (${answer.problem}): asking again for up to ${values.unreachableMinutes} min")
    } else if (now - state.silentSince > values.unreachableMinutes * 60000L) {
        error(state.finished ? "GateUnreachable: ${answer.problem}. Run ${state.runId} has its decision; whether a person acted on it since is not known here."
                             : "${failure} Run ${state.runId} may still be under way there.")
    }
    return false
}

/** Until it is worth asking again. */
private void pause(Map values, Map state) {
    if (System.currentTimeMillis() > state.end) {
        error("GateTimeout: run ${state.runId} has no decision after ${values.timeoutMinutes} minutes. Nothing was decided; the run is cancelled. Raise timeoutMinutes when the queue is that long.")
    }
    if (state.silentSince) {
        sleep(time: 3, unit: 'SECONDS')
    } else if (!state.onNode && state.hook && !state.decided) {
        speedGateWake(state.hook, Math.min(900L, Math.max(1L, (state.end - System.currentTimeMillis()).intdiv(1000))))
    } else if (!state.onNode) {
        sleep(time: state.decided ? 2 : 15, unit: 'SECONDS')
    }
}

/**
 * An aborted build must not leave a run measuring; bounded, and never in the way of what has ended the build already:
 * that is thrown on whatever happens here, this step's own time-out too.
 */
@SuppressWarnings('SwallowedAbort')
private void abandon(Map values, Map state) {
    try {
        timeout(time: 2, unit: 'MINUTES') {
            speedGateClient.within(values) {
                Map answer = speedGateClient.attempt(values, [
                    method: 'POST', path: "/v1/runs/${state.runId}/cancel".toString(), what: 'cancel', once: true,
                ])
                boolean taken = answer.reached && answer.status < 300
                echo("[speedGate] run ${state.runId} ${taken ? 'was asked to cancel' : 'could not be cancelled: ' + answer.problem}")
            }
        }
    } catch (Exception failure) {
        echo("[speedGate] run ${state.runId} could not be cancelled: ${failure.message}")
    }
}
