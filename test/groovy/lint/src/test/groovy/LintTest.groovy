import groovy.io.FileType
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertTrue

/** All Groovy of the repository against CodeNarc's rules and our own; and the rules against what they must find. */
class LintTest {
    private static final File ROOT = new File(System.getProperty('library.root')).canonicalFile

    private static List<LintedFile> under(String folder, String pattern) {
        List<String> paths = []
        new File(ROOT, folder).eachFileRecurse(FileType.FILES) { File file ->
            String path = ROOT.toPath().relativize(file.toPath()).toString()
            if (file.name ==~ pattern && !path.contains('/target/') && !path.contains('/samples/')) { paths << path }
        }
        assertTrue("no file like ${pattern} in ${folder}", !paths.isEmpty())
        return paths.sort(false).collect { String path -> new LintedFile(ROOT, path) }
    }

    /** What Jenkins transforms: the steps and every pipeline. */
    private static List<LintedFile> pipelines() {
        return under('vars', /.*\.groovy/) + under('pipelines', /.*Jenkinsfile/) + under('resources/sample-application', /Jenkinsfile/) +
            [new LintedFile(ROOT, 'Jenkinsfile')]
    }

    private static List<LintedFile> others() {
        return under('test/groovy', /.*\.groovy/) + under('resources/jenkins', /.*\.groovy/)
    }

    private static void assertNone(List<String> violations) {
        assertTrue("\n${violations.join('\n')}\n", violations.isEmpty())
    }

    @Test
    void 'every file compiles, so that the rules see it'() {
        assertNone((pipelines()*.notCompiled(true) + others()*.notCompiled(false)).findAll())
    }

    @Test
    void 'steps and pipelines keep to what CPS and the sandbox allow'() {
        List rules = RuleSets.pipeline()
        assertNone(pipelines().collectMany { it.violations(rules) })
    }

    @Test
    void 'no mistake of a general kind in any Groovy'() {
        List rules = RuleSets.everywhere()
        assertNone((pipelines() + others()).collectMany { it.violations(rules) })
    }

    /** A comment `finds RULE …` stands on each line in which they must find something, and nowhere else. */
    @Test
    void 'the rules find each fault of the samples, and nothing beside them'() {
        File samples = new File(ROOT, 'test/groovy/lint/src/test/samples')
        List rules = RuleSets.pipeline()
        Set<String> shown = []
        for (File file : samples.listFiles().sort(false)) {
            LintedFile sample = new LintedFile(samples, file.name)
            assertEquals(null, sample.notCompiled(true))
            List<String> expected = []
            sample.lines.eachWithIndex { String line, int index ->
                String names = line.contains('// finds ') ? line.substring(line.indexOf('// finds ') + 9) : ''
                for (String name : names.tokenize(' ')) { expected << "${file.name}:${index + 1} ${name}".toString() }
            }
            List<String> found = sample.found(rules).collect { "${file.name}:${it.lineNumber} ${it.rule.name}".toString() }
            assertEquals(expected.unique().sort().join('\n'), found.unique().sort().join('\n'))
            shown.addAll(expected.collect { it.split(' ')[1] })
        }
        assertEquals('each rule has a sample', rules*.name.sort(), shown.sort())
    }
}
