import com.cloudbees.groovy.cps.Continuable
import org.codehaus.groovy.runtime.InvokerHelper

/** Base of the scripts of a {@link RestartablePipeline}: a step suspends the program, as in Jenkins. */
@SuppressWarnings('UnusedPrivateMethod')
abstract class RestartableScript extends Script implements Serializable {
    @Override
    Object invokeMethod(String name, Object args) {
        Object[] arguments = args as Object[]
        Object variable = binding.variables[name]
        if (variable instanceof Script) { return InvokerHelper.invokeMethod(variable, 'call', arguments) }
        Object bodies = binding.variables.stepsWithBody
        if (!bodies.is(this) && bodies.metaClass.respondsTo(bodies, name, arguments)) {
            return InvokerHelper.invokeMethod(bodies, name, arguments)
        }
        return Continuable.suspend([name: name, arguments: arguments as List])
    }

    private void writeObject(ObjectOutputStream out) throws IOException { out.writeObject(binding) }

    private void readObject(ObjectInputStream input) throws IOException, ClassNotFoundException {
        setBinding(input.readObject() as Binding)
    }
}
