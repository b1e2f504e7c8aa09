import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.expr.ClassExpression
import org.codehaus.groovy.ast.expr.ConstructorCallExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.expr.PropertyExpression
import org.codehaus.groovy.ast.expr.StaticMethodCallExpression
import org.codehaus.groovy.ast.expr.VariableExpression

/**
 * What the sandbox of an untrusted library refuses. By name: types are known at run time only, so that this finds
 * slips, not everything that the plugin script-security would refuse (its lists: generic-whitelist, blacklist).
 */
class SandboxVisitor extends CpsVisitor {
    static final Set<String> CLASSES = [
        'File', 'FileInputStream', 'FileOutputStream', 'FileReader', 'FileWriter', 'Files', 'GroovyClassLoader', 'GroovyShell', 'Hudson',
        'HttpURLConnection', 'Jenkins', 'JsonSlurperClassic', 'Paths', 'ProcessBuilder', 'RandomAccessFile', 'Runtime', 'ServerSocket', 'Socket', 'System',
        'Thread', 'URL',
    ] as Set
    static final Set<String> MEMBERS = ['class', 'classLoader', 'metaClass', 'rawBuild'] as Set
    static final Set<String> METHODS = [
        'evaluate', 'execute', 'forName', 'getClass', 'getClassLoader', 'getDeclaredField', 'getDeclaredFields', 'getDeclaredMethod',
        'getDeclaredMethods', 'getMetaClass', 'getRawBuild', 'invokeMethod', 'newInstance', 'openConnection', 'openStream',
        'setAccessible', 'toURL',
    ] as Set

    @Override
    void visitConstructorCallExpression(ConstructorCallExpression call) {
        if (call.type.nameWithoutPackage in CLASSES) {
            addViolation(call, "new ${call.type.nameWithoutPackage}: the sandbox refuses it")
        }
        super.visitConstructorCallExpression(call)
    }

    @Override
    void visitPropertyExpression(PropertyExpression expression) {
        String member = expression.propertyAsString
        if (member in MEMBERS && !isTypeName(expression.objectExpression)) {
            addViolation(expression, "'${member}': the sandbox refuses it")
        }
        checkReceiver(expression, expression.objectExpression)
        super.visitPropertyExpression(expression)
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        if (call.methodAsString in METHODS) { addViolation(call, "'${call.methodAsString}': the sandbox refuses it") }
        else { checkReceiver(call, call.objectExpression) }
        super.visitMethodCallExpression(call)
    }

    @Override
    void visitStaticMethodCallExpression(StaticMethodCallExpression call) {
        checkType(call, call.ownerType)
        super.visitStaticMethodCallExpression(call)
    }

    private static boolean isTypeName(Expression expression) {
        return expression instanceof ClassExpression || (expression instanceof VariableExpression && expression.name ==~ /[A-Z].*/)
    }

    private void checkReceiver(Expression where, Expression receiver) {
        if (receiver instanceof ClassExpression) { checkType(where, receiver.type) }
        // Before types are resolved, a class is a variable to the compiler, with its package a property.
        if (receiver instanceof VariableExpression && receiver.name in CLASSES) { refuse(where, receiver.name) }
        if (receiver instanceof PropertyExpression && receiver.propertyAsString in CLASSES) { refuse(where, receiver.propertyAsString) }
    }

    private void checkType(Expression where, ClassNode type) {
        if (type.nameWithoutPackage in CLASSES) { refuse(where, type.nameWithoutPackage) }
    }

    private void refuse(Expression where, String name) {
        if (where instanceof MethodCallExpression && where.methodAsString == 'currentTimeMillis') { return }
        addViolation(where, "${name}: the sandbox refuses it")
    }
}
