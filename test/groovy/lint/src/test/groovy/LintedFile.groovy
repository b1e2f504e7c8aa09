import org.codehaus.groovy.control.CompilationFailedException
import org.codehaus.groovy.control.CompilationUnit
import org.codehaus.groovy.control.Phases
import org.codenarc.rule.Rule
import org.codenarc.rule.Violation
import org.codenarc.source.CustomCompilerPhaseSourceDecorator
import org.codenarc.source.SourceCode
import org.codenarc.source.SourceString

/** One Groovy file as the rules see it. */
class LintedFile {
    final String path
    private final SourceCode source
    /** With types resolved, which Jenkins' rules need. */
    private final SourceCode resolved

    /** @param path relative to the repository */
    LintedFile(File root, String path) {
        this.path = path
        // Jenkins takes this line away before anything compiles it.
        String text = new File(root, path).getText('UTF-8').replaceFirst(/(?m)^@Library\(.*\) _$/, '')
        source = new SourceString(text, path, new File(path).name)
        resolved = new CustomCompilerPhaseSourceDecorator(source, Phases.SEMANTIC_ANALYSIS)
    }

    List<String> getLines() { source.lines }

    /**
     * Rules find nothing in what does not compile, and say nothing about it.
     * @return what is wrong; null when it compiles
     */
    String notCompiled(boolean typesResolved) {
        if ((typesResolved ? resolved : source).ast != null) { return null }
        CompilationUnit unit = new CompilationUnit()
        unit.addSource(path, source.text)
        try {
            unit.compile(Phases.SEMANTIC_ANALYSIS)
        } catch (CompilationFailedException failure) {
            return "${path}: ${failure.message}".toString()
        }
        return "${path} does not compile".toString()
    }

    /** As `path:line: Rule: message`. */
    List<String> violations(List<Rule> rules) {
        return found(rules).collect { "${path}:${it.lineNumber}: ${it.rule.name}: ${it.message ?: it.sourceLine}".toString() }
    }

    List<Violation> found(List<Rule> rules) {
        return rules.collectMany { Rule rule -> rule.applyTo(rule.compilerPhase == resolved.astCompilerPhase ? resolved : source) }
    }
}
