import org.codenarc.rule.Rule
import org.codenarc.rule.basic.*
import org.codenarc.rule.exceptions.*
import org.codenarc.rule.groovyism.*
import org.codenarc.rule.imports.*
import org.codenarc.rule.jenkins.*
import org.codenarc.rule.unused.*
import org.codenarc.ruleset.RuleSetUtil

/** Which rules hold where. */
class RuleSets {
    /** For all Groovy: mistakes, not style. */
    static List<Rule> everywhere() {
        List<Rule> rules = ['basic', 'unused'].collectMany { String name -> RuleSetUtil.loadRuleSetFile("rulesets/${name}.xml").rules }
        rules.addAll([
            new DuplicateImportRule(), new UnusedImportRule(), new UnnecessaryGroovyImportRule(),
            new AssignCollectionSortRule(), new AssignCollectionUniqueRule(), new GStringAsMapKeyRule(),
            new ExceptionNotThrownRule(), new MissingNewInThrowStatementRule(), new SwallowThreadDeathRule(),
        ])
        return rules
    }

    /** For what Jenkins transforms and runs in its sandbox. */
    static List<Rule> pipeline() {
        List<Rule> rules = new ArrayList(RuleSetUtil.loadRuleSetFile('rulesets/jenkins.xml').rules)
        // By default these look at files of the name Jenkinsfile only.
        for (Rule rule : rules) { rule.applyToFileNames = '*' }
        rules.addAll([
            ClosureInCpsIterationVisitor, IteratorInCpsVisitor, NotStorableVisitor, StepInNonCpsVisitor, SwallowedAbortVisitor,
            SandboxVisitor, InterpolationVisitor,
        ].collect { Class visitor -> new OwnRule(visitor) })
        return rules
    }
}
