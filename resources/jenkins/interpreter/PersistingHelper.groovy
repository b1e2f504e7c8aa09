import com.cloudbees.groovy.cps.Continuation
import com.cloudbees.groovy.cps.Envs
import com.cloudbees.groovy.cps.Next
import com.cloudbees.groovy.cps.impl.CpsCallableInvocation
import com.lesfurets.jenkins.unit.cps.PipelineTestHelperCPS

/**
 * Writes and reads the program at every step, as Jenkins does to be able to go on after a restart: everything that is
 * held across a step must be serialisable, in every method that is under way.
 */
class PersistingHelper extends PipelineTestHelperCPS {
    /** What is under way in a branch: of each method or closure the place where it is. */
    private final ThreadLocal<List<Next>> underWay = ThreadLocal.withInitial { [] }

    PersistingHelper() {
        methodMissingInterceptor = { String name, Object args ->
            throw new NoSuchMethodError("No such DSL method '${name}' found among steps")
        }
    }

    /** Keeps what is compiled, and nothing of the pipelines before. */
    void forget() {
        callStack = Collections.synchronizedList([])
        allowedMethodCallbacks = [:]
        underWay.remove()
    }

    @Override
    PersistingHelper init() {
        if (!initialized) { super.init() }
        return this
    }

    /** @throws Exception naming what cannot be written */
    void persist() {
        for (Next place : underWay.get()) {
            try {
                roundtripSerialization(place)
            } catch (Exception failure) {
                throw new IllegalStateException("not serialisable across a step: ${failure}", failure)
            }
        }
    }

    @Override
    protected Object callMethod(MetaMethod method, Object delegate, Object[] args) {
        try {
            return method.doMethodInvoke(delegate, args)
        } catch (CpsCallableInvocation call) {
            return perform(call)
        }
    }

    @Override
    protected Object runScriptInternal(Script script) {
        try {
            return script.run()
        } catch (CpsCallableInvocation call) {
            return perform(call)
        }
    }

    @Override
    Object callClosure(Closure closure, Object[] args = null) {
        try {
            return args ? closure.call(*args) : closure.call()
        } catch (CpsCallableInvocation call) {
            return perform(call)
        }
    }

    private Object perform(CpsCallableInvocation call) {
        List<Next> places = underWay.get()
        Next place = call.invoke(Envs.empty(), null, Continuation.HALT)
        places.add(place)
        int depth = places.size() - 1
        try {
            while (place.yield == null) {
                places[depth] = place
                place = place.step()
            }
        } finally {
            places.remove(depth)
        }
        return place.yield.replay()
    }
}
