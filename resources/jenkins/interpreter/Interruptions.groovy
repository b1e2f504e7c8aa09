import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** Throws an abort or a time-out into the step that a branch is in, or into its next one. */
class Interruptions {
    private final Map<Thread, FlowInterruptedException> pending = Collections.synchronizedMap([:])

    /** Somebody ends what the branch of this thread does. */
    void interrupt(Thread branch, String cause) {
        synchronized (pending) {
            pending.put(branch, new FlowInterruptedException(cause))
            branch.interrupt()
        }
    }

    /** What interrupts this branch interrupts those that it has started, too. */
    void passOn(List<Thread> branches) {
        String cause = pending.get(Thread.currentThread())?.message ?: 'interrupted'
        for (Thread branch : branches.findAll { it.alive }) { interrupt(branch, cause) }
    }

    /** Runs a step's own work; what interrupts it comes out as Jenkins has it. */
    Object during(Closure work) {
        throwPending()
        try {
            return work()
        } catch (InterruptedException interrupted) {
            throw pending.remove(Thread.currentThread()) ?: new FlowInterruptedException('interrupted')
        }
    }

    /** The step `timeout`: the body is interrupted when it takes longer. */
    Object within(long millis, Closure body) {
        Thread branch = Thread.currentThread()
        Timer timer = new Timer(true)
        timer.runAfter(Math.max(1L, millis) as int) { interrupt(branch, "Timeout has been exceeded (${millis} ms)") }
        try {
            return body()
        } finally {
            timer.cancel()
        }
    }

    private void throwPending() {
        synchronized (pending) {
            FlowInterruptedException interruption = pending.remove(Thread.currentThread())
            if (interruption) {
                Thread.interrupted()
                throw interruption
            }
        }
    }
}
