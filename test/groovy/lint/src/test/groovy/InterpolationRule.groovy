import org.codehaus.groovy.ast.MethodNode
import org.codehaus.groovy.ast.expr.BinaryExpression
import org.codehaus.groovy.ast.expr.CastExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.GStringExpression
import org.codehaus.groovy.ast.expr.MapExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.expr.PropertyExpression
import org.codehaus.groovy.ast.expr.TernaryExpression
import org.codehaus.groovy.ast.expr.VariableExpression

/** Groovy that is put into a shell's text is parsed by the shell; a secret in a text, however it got there, ends up in a log. */
class InterpolationVisitor extends CpsVisitor {
    static final List<String> SHELLS = ['sh', 'bat', 'powershell', 'pwsh']
    static final List<String> JOINS = ['+', '+=', '<<']
    static final List<String> JOINING = ['append', 'concat', 'format', 'leftShift', 'plus', 'sprintf']
    /** What these give still holds the secret, or enough of it. */
    static final List<String> KEEPING = ['intern', 'replace', 'strip', 'substring', 'take', 'toString', 'trim']
    private boolean excused = false

    @Override
    protected void visitMethodEx(MethodNode node) {
        super.visitMethodEx(node)
        excused = isExcused(node, 'Interpolation')
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        if (call.methodAsString in SHELLS && argumentsOf(call).any { Expression one -> isInterpolated(one) }) {
            addViolation(call, "'${call.methodAsString}' with an interpolated text: single quotes, and values by environment (withEnv)")
        }
        if (call.methodAsString in JOINING) { refuseSecrets(call, argumentsOf(call) + call.objectExpression) }
        super.visitMethodCallExpression(call)
    }

    /** The text itself, alone or named; a label may be interpolated. */
    private static boolean isInterpolated(Expression argument) {
        if (argument instanceof MapExpression) {
            return argument.mapEntryExpressions.any { it.keyExpression.text == 'script' && isInterpolated(it.valueExpression) }
        }
        if (argument instanceof MethodCallExpression) { return isInterpolated(argument.objectExpression) }
        return argument instanceof GStringExpression || (argument instanceof BinaryExpression && argument.operation.text == '+')
    }

    @Override
    void visitGStringExpression(GStringExpression text) {
        refuseSecrets(text, text.values)
        super.visitGStringExpression(text)
    }

    @Override
    void visitBinaryExpression(BinaryExpression expression) {
        if (expression.operation.text in JOINS) { refuseSecrets(expression, [expression.leftExpression, expression.rightExpression]) }
        super.visitBinaryExpression(expression)
    }

    private void refuseSecrets(Expression where, List<Expression> parts) {
        for (String name : excused ? [] : parts.collectMany { Expression part -> namesIn(part) }) {
            if (name ==~ /(?i).*(token|secret|password|passwd|apikey|passphrase)/) {
                addViolation(where, "'${name}' in a text: secrets go by environment")
            }
        }
    }

    /** Names of what a part of a text may be. */
    private static List<String> namesIn(Expression part) {
        if (part instanceof VariableExpression) { return [part.name] }
        if (part instanceof PropertyExpression) { return [part.propertyAsString] }
        if (part instanceof CastExpression) { return namesIn(part.expression) }
        if (part instanceof TernaryExpression) { return namesIn(part.trueExpression) + namesIn(part.falseExpression) }
        if (part instanceof BinaryExpression && part.operation.text == '[') { return [part.rightExpression.text] }
        return part instanceof MethodCallExpression && part.methodAsString in KEEPING ? namesIn(part.objectExpression) : []
    }
}
