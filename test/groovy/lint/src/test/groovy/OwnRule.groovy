import org.codenarc.rule.AbstractAstVisitorRule

/** A rule of ours: its visitor's name without `Visitor`; whatever it finds is an error. */
class OwnRule extends AbstractAstVisitorRule {
    String name
    int priority = 1
    Class astVisitorClass

    OwnRule(Class visitor) {
        name = visitor.simpleName - 'Visitor'
        astVisitorClass = visitor
    }
}
