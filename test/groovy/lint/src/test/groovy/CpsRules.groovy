import org.codehaus.groovy.ast.CodeVisitorSupport
import org.codehaus.groovy.ast.MethodNode
import org.codehaus.groovy.ast.expr.BinaryExpression
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.ClosureListExpression
import org.codehaus.groovy.ast.expr.ConstructorCallExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.MapExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.stmt.CatchStatement
import org.codehaus.groovy.ast.stmt.ForStatement
import org.codehaus.groovy.ast.stmt.ThrowStatement
import org.codehaus.groovy.ast.stmt.TryCatchStatement
import org.codehaus.groovy.syntax.Types

/** Collections' own methods are not CPS code: a step in their closure ends them after the first element. */
class ClosureInCpsIterationVisitor extends CpsVisitor {
    static final Set<String> ITERATIONS = [
        'any', 'collect', 'collectEntries', 'collectMany', 'count', 'countBy', 'downto', 'dropWhile', 'each', 'eachEntry',
        'eachLine', 'eachWithIndex', 'every', 'find', 'findAll', 'findIndexOf', 'findResult', 'findResults', 'groupBy', 'inject',
        'max', 'min', 'removeAll', 'replaceAll', 'retainAll', 'reverseEach', 'sort', 'split', 'step', 'sum', 'takeWhile', 'times',
        'toSorted', 'toUnique', 'unique', 'upto',
    ] as Set

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        if (cps && !call.implicitThis && call.methodAsString in ITERATIONS
                && argumentsOf(call).any { Expression one -> one instanceof ClosureExpression }) {
            addViolation(call, "a closure in '${call.methodAsString}' in CPS code: use an index loop, or a method with @NonCPS that calls no step")
        }
        super.visitMethodCallExpression(call)
    }
}

/** An iterator cannot be stored when the controller restarts inside of the loop. */
class IteratorInCpsVisitor extends CpsVisitor {
    @Override
    void visitForLoop(ForStatement loop) {
        if (cps && !(loop.collectionExpression instanceof ClosureListExpression)) {
            addViolation(loop, 'an iterator in CPS code: use an index loop')
        }
        super.visitForLoop(loop)
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        if (cps && call.methodAsString in ['entrySet', 'iterator', 'listIterator']) {
            addViolation(call, "'${call.methodAsString}' in CPS code: what it gives cannot be stored when the controller restarts")
        }
        super.visitMethodCallExpression(call)
    }
}

/** Matchers, and the maps of JsonSlurper, cannot be stored when the controller restarts. */
class NotStorableVisitor extends CpsVisitor {
    @Override
    void visitBinaryExpression(BinaryExpression expression) {
        if (cps && expression.operation.type == Types.FIND_REGEX) {
            addViolation(expression, "'=~' in CPS code gives a Matcher, which cannot be stored: use '==~', or a method with @NonCPS")
        }
        super.visitBinaryExpression(expression)
    }

    @Override
    void visitConstructorCallExpression(ConstructorCallExpression call) {
        if (cps && call.type.nameWithoutPackage == 'JsonSlurper') {
            addViolation(call, 'JsonSlurper in CPS code gives lazy maps, which cannot be stored: copy them in a method with @NonCPS')
        }
        super.visitConstructorCallExpression(call)
    }
}

/** A step that is called from code which is not CPS ends that code, or does nothing. */
class StepInNonCpsVisitor extends CpsVisitor {
    static final Set<String> STEPS = [
        'addBadge', 'addSummary', 'archiveArtifacts', 'bat', 'build', 'catchError', 'checkout', 'dir', 'echo', 'error', 'fileExists',
        'httpRequest', 'input', 'junit', 'libraryResource', 'lock', 'milestone', 'node', 'parallel', 'perfReport', 'powershell',
        'publishHTML', 'pwd', 'readFile', 'readJSON', 'readYaml', 'retry', 'sh', 'sleep', 'stage', 'stash', 'timeout', 'unstable',
        'unstash', 'waitForWebhook', 'waitUntil', 'withCredentials', 'withEnv', 'writeFile', 'writeJSON',
    ] as Set

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        if (!cps && call.implicitThis && call.methodAsString in STEPS) {
            addViolation(call, "the step '${call.methodAsString}' in a method with @NonCPS")
        }
        super.visitMethodCallExpression(call)
    }
}

/** By default catchError and warnError swallow an abort, and so does whoever catches any exception around steps. */
class SwallowedAbortVisitor extends CpsVisitor {
    static final Set<String> INTERRUPTIONS = ['FlowInterruptedException', 'InterruptedException'] as Set
    /** An interruption is one of these, too; `Object` stands for a catch without a type. */
    static final Set<String> WIDER = ['Exception', 'Object', 'Throwable'] as Set
    private boolean excused = false

    @Override
    protected void visitMethodEx(MethodNode node) {
        super.visitMethodEx(node)
        excused = isExcused(node, 'SwallowedAbort')
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        if (call.methodAsString in ['catchError', 'warnError'] && !argumentsOf(call).any { Expression one ->
            one instanceof MapExpression && one.mapEntryExpressions.any { it.keyExpression.text == 'catchInterruptions' && it.valueExpression.text == 'false' }
        }) {
            addViolation(call, "'${call.methodAsString}' without catchInterruptions: false swallows an abort")
        }
        super.visitMethodCallExpression(call)
    }

    @Override
    void visitTryCatchFinally(TryCatchStatement statement) {
        boolean caughtBefore = false
        for (CatchStatement one : statement.catchStatements) {
            String type = one.exceptionType.nameWithoutPackage
            boolean swallows = (type in INTERRUPTIONS || (type in WIDER && !caughtBefore)) && !throwsAgain(one)
            if (cps && swallows && !excused) {
                addViolation(one, "catching ${type == 'Object' ? 'everything' : type} swallows an abort: catch FlowInterruptedException before it, and throw that again")
            }
            caughtBefore = caughtBefore || type in INTERRUPTIONS
        }
        super.visitTryCatchFinally(statement)
    }

    private static boolean throwsAgain(CatchStatement statement) {
        boolean found = false
        statement.code.visit(new CodeVisitorSupport() {
            @Override
            void visitThrowStatement(ThrowStatement thrown) {
                found = found || thrown.expression.text == statement.variable.name
            }
        })
        return found
    }
}
