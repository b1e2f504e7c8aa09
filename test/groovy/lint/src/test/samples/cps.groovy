import com.cloudbees.groovy.cps.NonCPS
import groovy.json.JsonSlurper
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

class Holder { // finds ClassNotSerializable
    String name
}

def call(List<String> names) {
    names.each { String name -> echo(name) } // finds ClosureInCpsIteration
    names.sort { String name -> name.length() } // finds ClosureInCpsIteration ForbiddenCallInCpsMethod
    env.names.collect { it.trim() } // finds ClosureInCpsIteration
    for (String name in names) { echo(name) } // finds IteratorInCps
    for (name in names) { echo(name) } // finds IteratorInCps
    for (int i = 0; i < names.size(); i++) { echo(names[i]) }
    for (int i in 0..2) { echo(names[i]) } // finds IteratorInCps ExpressionInCpsMethodNotSerializable
    def first = [a: 1].entrySet() // finds IteratorInCps
    def matcher = names[0] =~ /x/ // finds NotStorable
    boolean whole = names[0] ==~ /x/
    def parsed = new JsonSlurper().parseText('{}') // finds NotStorable
    Iterator<String> all = names.iterator() // finds ExpressionInCpsMethodNotSerializable IteratorInCps
    echo("lazy ${-> names[0]}") // finds ClosureInGString
    node {
        sh('true')
    }
    catchError(buildResult: 'UNSTABLE') { sh('false') } // finds SwallowedAbort
    catchError(buildResult: 'UNSTABLE', catchInterruptions: false) { sh('false') }
    warnError('odd') { sh('false') } // finds SwallowedAbort
    try { sh('true') } catch (Exception failure) { echo('odd') } // finds SwallowedAbort
    try { sh('true') } catch (failure) { echo('odd') } // finds SwallowedAbort
    try { sh('true') } catch (Throwable failure) { throw new IllegalStateException('odd') } // finds SwallowedAbort
    try { sh('true') } catch (InterruptedException interrupted) { echo('odd') } // finds SwallowedAbort
    try { sh('true') } catch (IOException failure) { echo('odd') }
    try { sh('true') } catch (Exception failure) { if (names) { throw failure } }
    try {
        sh('true')
    } catch (FlowInterruptedException interrupted) {
        throw interrupted
    } catch (Exception failure) {
        echo('odd')
    }
    try {
        sh('true')
    } catch (FlowInterruptedException interrupted) { // finds SwallowedAbort
        echo('odd')
    } catch (Exception failure) {
        echo('odd')
    }
    return [first, matcher, whole, parsed, all]
}

@SuppressWarnings('SwallowedAbort')
def excused() {
    try { sh('true') } catch (Exception failure) { echo('odd') }
}

def given(Thread thread) { // finds ParameterOrReturnTypeNotSerializable
    return null
}

@NonCPS
List<String> sorted(List<String> names) {
    for (String name : names) { name.trim() }
    try { names[0].trim() } catch (Exception ignored) { names[0].length() }
    sh('true') // finds StepInNonCps
    call(names) // finds CpsCallFromNonCpsMethod
    return names.sort { String name -> name.length() }
}

String toString() { // finds ObjectOverrideOnlyNonCpsMethods
    return 'a script'
}
