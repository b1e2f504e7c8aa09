import org.codehaus.groovy.ast.AnnotationNode
import org.codehaus.groovy.ast.MethodNode
import org.codehaus.groovy.ast.expr.ArgumentListExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.expr.NamedArgumentListExpression
import org.codehaus.groovy.ast.expr.TupleExpression
import org.codenarc.rule.AbstractAstVisitor

/** A visitor that knows whether the code it is in becomes CPS: everything that is not annotated `@NonCPS`. */
abstract class CpsVisitor extends AbstractAstVisitor {
    protected boolean cps = true

    @Override
    protected void visitMethodEx(MethodNode node) {
        cps = !node.annotations.any { AnnotationNode one -> one.classNode.nameWithoutPackage == 'NonCPS' }
    }

    @Override
    protected void visitMethodComplete(MethodNode node) { cps = true }

    /** Whether a method says by its annotation that it breaks this rule on purpose. */
    protected static boolean isExcused(MethodNode node, String rule) {
        return node.annotations.any { AnnotationNode one ->
            one.classNode.nameWithoutPackage == 'SuppressWarnings' && one.getMember('value')?.text == rule
        }
    }

    protected static List<Expression> argumentsOf(MethodCallExpression call) {
        if (call.arguments instanceof ArgumentListExpression) { return ((ArgumentListExpression) call.arguments).expressions }
        if (call.arguments instanceof NamedArgumentListExpression) { return [call.arguments] }
        return call.arguments instanceof TupleExpression ? ((TupleExpression) call.arguments).expressions : [call.arguments]
    }
}
