import com.cloudbees.groovy.cps.NonCPS

/** Internal: of events as the service lists them, those after a number, with what a log needs of them. */
@NonCPS
List newer(List events, int after) {
    List kept = []
    for (Map event : events) {
        if (event.sequence > after) {
            kept.add([sequence: event.sequence as int, type: event.type, at: event.at, message: event.message?.toString()])
        }
    }
    return kept
}

/**
 * Internal: the lines to print, without a flood: of progress at most one in 15 seconds and the latest of several; phases,
 * problems and all that happens once always.
 * @param saidAt when progress was last said, in milliseconds since the epoch
 * @return each text and at (as saidAt is to be from then on)
 */
@NonCPS
List lines(List events, long saidAt) {
    List lines = []
    long last = saidAt
    for (int i = 0; i < events.size(); i++) {
        Map event = events[i]
        // The step says the decision itself, with what it rests on.
        if (event.type == 'decision') { continue }
        boolean progress = event.type == 'progress'
        boolean more = i + 1 < events.size() && events[i + 1].type == 'progress'
        long at = progress ? millis(event.at) : last
        if (progress && (more || at - last < 14000)) { continue }
        if (progress) { last = at }
        lines.add([text: event.message, at: last])
    }
    return lines
}

/** Internal: says that a run goes on of which nothing new has come. @param millis since it is followed */
@NonCPS
String still(Map run, long millis) {
    String place = run.queue ? "queued, ${run.queue.ahead} ahead: ${run.queue.reason}" : run.phase
    return "still ${place} (followed for ${Math.round(millis / 60000d)} min)".toString()
}

/** Internal: whether it is worth asking for the run itself: it may be finished, or wait in the queue. */
@NonCPS
boolean asksForRun(List events) {
    for (Map event : events) {
        if (event.type == 'decision' || event.type == 'override' || event.message?.startsWith('queued')) { return true }
    }
    return false
}

/** Internal: whether the decision is among them. */
@NonCPS
boolean isDecided(List events) {
    for (Map event : events) {
        if (event.type == 'decision') { return true }
    }
    return false
}

/** Internal: whether a moment (ISO 8601) is not before another one; not, when either is missing. */
@NonCPS
boolean isSince(Object moment, Object other) {
    return moment && other ? millis(moment) >= millis(other) : false
}

@NonCPS
private long millis(Object instant) {
    if (!instant) { return System.currentTimeMillis() }
    java.time.Instant moment = java.time.Instant.parse(instant.toString())
    return moment.epochSecond * 1000 + moment.nano.intdiv(1000000)
}
