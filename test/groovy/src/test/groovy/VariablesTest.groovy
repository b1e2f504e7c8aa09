import java.util.regex.Matcher
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertTrue

/** Each variable has its help, and the help says what the variable takes: no more, no less. */
class VariablesTest extends PipelineCase {
    private static final File VARS = new File(LIBRARY, 'vars')
    private static final String INTERNAL = '<p>Internal to this library: '
    /** What is of nobody's business outside: a Jenkinsfile calls the others. */
    private static final List<String> STEPS = [
        'speedGate', 'speedGateOverride', 'speedGatePromote', 'speedGatePublish', 'speedGateRollback', 'speedGateStart', 'speedGateWait', 'speedPipeline',
    ]

    private static List<String> names(String ending) {
        return VARS.listFiles()*.name.findAll { it.endsWith(ending) }.collect { it - ending }.sort()
    }

    private static String helpOf(String name) { new File(VARS, "${name}.txt").getText('UTF-8') }

    /** Parameters in the help: name to its whole item. */
    private static Map<String, String> itemsOf(String help) {
        Map<String, String> items = [:]
        Matcher item = help =~ /(?s)<li><code>(\w+)<\/code>(.*?)<\/li>/
        while (item.find()) { items[item.group(1)] = item.group(2) }
        return items
    }

    @Test
    void 'each variable has its help, and each help its variable'() {
        assertEquals(names('.groovy'), names('.txt'))
        assertEquals([], names('.txt').findAll { helpOf(it).trim().isEmpty() })
    }

    @Test
    void 'what is internal is marked so, and nothing else is'() {
        assertEquals(STEPS, names('.groovy').findAll { !helpOf(it).startsWith(INTERNAL) })
    }

    @Test
    void 'the help shows an example first'() {
        for (String name : STEPS) {
            String help = helpOf(name)
            assertTrue("${name}.txt", help.indexOf('<pre>') > 0 && help.indexOf('<pre>') < help.indexOf('<ul>'))
            assertTrue("the example of ${name}.txt calls it", help.substring(help.indexOf('<pre>'), help.indexOf('</pre>')).contains("${name}("))
        }
    }

    @Test
    void 'each documented parameter exists, and each parameter is documented'() {
        Map<String, Map> parameters = STEPS.collectEntries { [it, pipeline.run("return ${it}.parameters()")] }
        String documented = STEPS.collect { "${it}: ${itemsOf(helpOf(it)).keySet().sort().join(' ')}" }.join('\n')
        String existing = STEPS.collect { "${it}: ${parameters[it].keySet().sort().join(' ')}" }.join('\n')
        assertEquals(existing, documented)
        for (String name : STEPS) {
            Map<String, String> items = itemsOf(helpOf(name))
            parameters[name].each { String parameter, Map rule ->
                String item = items[parameter]
                boolean mandatory = rule.mandatory && !rule.fromEnvironment
                assertEquals("${name}.txt: whether ${parameter} is mandatory", mandatory, item.startsWith(' (mandatory)'))
                if (rule.default != null) { assertTrue("${name}.txt: the default of ${parameter}", item.contains('Default: ')) }
            }
        }
    }

    @Test
    void 'no help has a parameter twice, or tags that do not close'() {
        for (String name : names('.txt')) {
            String help = helpOf(name)
            for (String tag : ['p', 'pre', 'ul', 'li', 'code']) {
                assertEquals("${name}.txt: ${tag}", help.findAll("<${tag}>").size(), help.findAll("</${tag}>").size())
            }
            assertEquals(name, help.findAll(/<li><code>/).size(), itemsOf(help).size())
        }
    }
}
