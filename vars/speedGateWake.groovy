import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * Internal: waits until the gate calls the hook, at most so many seconds. Says nothing about the run: a call may get lost,
 * or come from somebody else, so whoever waits asks the gate afterwards in any case.
 */
void call(String token, long seconds) {
    long began = System.currentTimeMillis()
    try {
        timeout(time: seconds, unit: 'SECONDS') { waitForWebhook(registerWebhook(token: token)) }
    } catch (FlowInterruptedException interrupted) {
        // Our own time-out is no reason to stop; anything else that interrupts is not for us to swallow.
        if (System.currentTimeMillis() - began < seconds * 1000) { throw interrupted }
        echo("[speedGate] not woken within ${seconds} s: asking")
    }
}
