import java.util.concurrent.locks.ReentrantLock

/** One branch runs at a time, as on Jenkins' CPS thread; another one gets its turn while a step waits for the world. */
class BranchTurns {
    private final ReentrantLock turn = new ReentrantLock(true)

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

    /** The step `parallel`: every branch runs to its end, then the first failure is thrown. */
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
        aside { threads*.join() }
        if (failures) { throw failures[0] }
        return results
    }
}
