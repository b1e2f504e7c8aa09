import java.util.concurrent.locks.ReentrantLock

/** One branch runs at a time, as on Jenkins' CPS thread; another one gets its turn while a step waits for the world. */
class BranchTurns {
    final Interruptions interruptions
    private final ReentrantLock turn = new ReentrantLock(true)

    BranchTurns(Interruptions interruptions) { this.interruptions = interruptions }

    void take() { turn.lock() }

    void give() { turn.unlock() }

    /** Waits for the world without holding up other branches. */
    Object aside(Closure waiting) {
        int held = turn.holdCount
        held.times { turn.unlock() }
        try {
            return waiting()
        } finally {
            held.times { turn.lock() }
        }
    }

    /** The step `parallel`: every branch runs to its end, then the first failure is thrown. An abort goes to each of them. */
    Map parallel(Map branches, Closure call) {
        Map results = Collections.synchronizedMap([:])
        List<Throwable> failures = Collections.synchronizedList([])
        Map environment = EnvironmentVariables.current()
        List<Thread> threads = branches.findAll { it.key != 'failFast' }.collect { name, body ->
            new Thread({
                EnvironmentVariables.begin(environment)
                take()
                try {
                    results[name] = call(body)
                } catch (Throwable failure) {
                    failures << failure
                } finally {
                    give()
                }
            }, name.toString())
        }
        threads*.start()
        aside { join(threads) }
        if (failures) { throw failures[0] }
        return results
    }

    private void join(List<Thread> branches) {
        InterruptedException abort = null
        for (Thread branch : branches) {
            while (branch.alive) {
                try {
                    branch.join()
                } catch (InterruptedException interrupted) {
                    abort = interrupted
                    interruptions.passOn(branches)
                }
            }
        }
        if (abort) { throw abort }
    }
}
