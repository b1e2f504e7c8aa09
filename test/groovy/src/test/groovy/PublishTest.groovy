import groovy.json.JsonSlurperClassic
import org.junit.Before
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue

/** speedGatePublish, with all plugins, with some and with none. */
class PublishTest extends PipelineCase {
    private static final List<String> ALL = ['archive', 'junit', 'report', 'trend', 'badge', 'summary', 'description']

    @Before
    void playRun() {
        gate.routes['GET /v1/runs/run-1'] = { [200, runOf()] }
        gate.routes['GET /v1/runs/run-1/report.html'] = { [200, '<html>the report</html>'] }
        gate.routes['GET /v1/runs/run-1/junit.xml'] = { [200, '<testsuite name="checkout"/>'] }
        gate.routes['GET /v1/runs/run-1/results.jtl'] = { [200, 'timeStamp,elapsed\n1,2\n'] }
    }

    private Map publish() { pipeline.run("return speedGatePublish(run: 'run-1')") as Map }

    private File file(String name) { new File(pipeline.workspace, "speed-gate/run-1/${name}") }

    @Test
    void 'puts everything where people look'() {
        assertEquals([folder: 'speed-gate/run-1', published: ALL], publish())

        assertEquals('pass', (new JsonSlurperClassic().parse(file('gate.json')) as Map).decision)
        assertEquals('<html>the report</html>', file('report.html').text)
        assertEquals('timeStamp,elapsed\n1,2\n', file('results.jtl').text)
        assertEquals('speed-gate/run-1/*', pipeline.calls.archiveArtifacts[0].artifacts)
        assertEquals('speed-gate/run-1/junit.xml', pipeline.calls.junit[0].testResults)
        assertEquals('a failed threshold is no unstable build: that is for the decision', true, pipeline.calls.junit[0].skipMarkingBuildUnstable)
        assertEquals(['speed-gate/run-1', 'report.html', 'Speed Gate checkout'], pipeline.calls.publishHTML[0].target.with { [it.reportDir, it.reportFiles, it.reportName] })
        assertEquals('speed-gate/run-1/results.jtl', pipeline.calls.perfReport[0].sourceDataFiles)
        assertEquals(["${url}/#/runs/run-1".toString(), 'checkout: pass (met)'], pipeline.calls.addBadge[0].with { [it.link, it.text] })
        assertEquals('checkout: pass (met): All thresholds were met.', pipeline.calls.addSummary[0].text)
        assertEquals('checkout: pass (met)', pipeline.currentBuild.description)
        assertEquals('SUCCESS', pipeline.result)
    }

    @Test
    void 'each absent plugin costs one line and nothing else'() {
        Map<String, List<String>> plugins = [junit: ['JUnit', 'junit'], publishHTML: ['HTML Publisher', 'report'], perfReport: ['Performance', 'trend'],
                                             addBadge: ['Badge', 'badge'], addSummary: ['Badge', 'summary']]
        for (Map.Entry<String, List<String>> one : plugins) {
            lines.clear()
            pipeline.absent = [one.key]
            assertEquals(ALL - one.value[1], publish().published)
            assertEquals(1, new ArrayList(lines).count { it.startsWith("[speedGate] without the plugin ${one.value[0]} there is no step ${one.key}") })
        }
        pipeline.absent = plugins.keySet() as Set
        assertEquals(['archive', 'description'], publish().published)
        assertEquals('SUCCESS', pipeline.result)
    }

    @Test
    void 'a run without samples has no trend'() {
        gate.routes['GET /v1/runs/run-1/results.jtl'] = { [404, [detail: 'this run has no samples']] }
        assertEquals(ALL - 'trend', publish().published)
        assertTrue(log().contains('[speedGate] no results.jtl of run run-1: this run has no samples'))
        assertFalse('no problem answer in a file', file('results.jtl').exists())
    }

    @Test
    void 'only what is plainly good looks good'() {
        for (Map changes : [[:], [decision: 'rollback', cause: 'breached'], [evidence: []], [cause: 'inconclusive']]) {
            gate.routes['GET /v1/runs/run-1'] = { [200, runOf(changes)] }
            publish()
        }
        assertEquals([true, false, false, false], pipeline.calls.addBadge*.icon.collect { it.contains('checkmark') })
    }

    @Test
    void 'publishing never fails a build'() {
        gate.routes['GET /v1/runs/run-1'] = { [503, [detail: 'restarting']] }
        assertEquals([], publish().published)
        pipeline.secrets.remove('speed-gate')
        assertEquals([], publish().published)
        assertEquals('SUCCESS', pipeline.result)
        assertTrue(log().contains('[speedGate] run run-1 could not be published: Could not find credentials'))
    }

    @Test
    void 'several gates of a build have a line each, the same gate one'() {
        gate.routes.putAll(gate.routes.findAll { it.key.contains('run-1') }.collectEntries { [it.key.replace('run-1', 'run-2'), it.value] })
        gate.routes['GET /v1/runs/run-2'] = { [200, runOf(id: 'run-2', service: 'search', decision: 'rollback', cause: 'breached', override: [actor: 'ann', order: 'promote'])] }
        pipeline.run("speedGatePublish(run: 'run-1'); speedGatePublish([runId: 'run-2', decision: 'rollback']); speedGatePublish(run: 'run-1')")
        assertEquals('checkout: pass (met) · search: rollback (breached), ann orders promote', pipeline.currentBuild.description)
    }
}
