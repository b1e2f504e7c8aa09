import java.security.MessageDigest
import org.junit.Before
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertTrue

/** Every Jenkinsfile of the repository, loaded and run. */
class ExamplesTest extends PipelineCase {
    private static final File PIPELINES = new File(LIBRARY, 'pipelines')
    private static final Set<String> RUN = [
        'manual-promotion', 'multibranch', 'nightly-capacity', 'parallel-services', 'scripted', 'simple', 'wake', 'whole',
    ]

    @Override
    protected PluginSteps newPipeline() {
        PluginSteps other = super.newPipeline()
        return new DeclarativeSteps(library: other.library, workspace: other.workspace, log: other.log, environment: other.environment,
            secrets: other.secrets + ['speed-gate-promotion': GateRoutes.TOKEN, 'speed-gate-own': GateRoutes.TOKEN])
    }

    @Before
    void playRepository() {
        program('mvn', 'for war in checkout search account; do mkdir -p $war/target; echo $war > $war/target/$war.war; done; mkdir -p target; echo war > target/checkout.war')
        playGate()
        playProduction()
    }

    private Object play(String name) {
        // Jenkins itself takes this line away: the library is there.
        String text = new File(PIPELINES, "${name}.Jenkinsfile").text
        assertTrue("${name} loads the library", text.contains("@Library('speed-gate') _"))
        return pipeline.run(text.replace("@Library('speed-gate') _", ''))
    }

    private List<Map> requests() { gate.requestsTo('POST /v1/runs')*.body }

    @Test
    void 'each example is run here'() {
        assertEquals(RUN.sort(), PIPELINES.list().collect { it - '.Jenkinsfile' }.sort())
    }

    @Test
    void 'simple'() {
        play('simple')
        assertEquals(['Build', 'Gate'], pipeline.stages)
        assertEquals([['checkout', 'auto']], requests().collect { [it.service, it.promote] })
    }

    @Test
    void 'simple fails on a rollback'() {
        playGate(checkout: [decision: 'rollback', cause: 'breached', summary: 'slower.'])
        assertTrue(failureOf(new File(PIPELINES, 'simple.Jenkinsfile').text.replace("@Library('speed-gate') _", '')).contains('rollback (breached)'))
    }

    @Test
    void 'scripted judges on no executor'() {
        play('scripted')
        assertEquals(['Build', 'Test', 'Gate'], pipeline.stages)
        assertTrue(log().contains('run run-checkout: pass, All thresholds were met.'))
        assertEquals(0, pipeline.executors)
    }

    @Test
    void 'multibranch gates a pull request without promotion, and the main line with it'() {
        pipeline.environment += [CHANGE_ID: '7', BRANCH_NAME: 'PR-7']
        play('multibranch')
        assertEquals(['Build', 'Gate of a pull request'], pipeline.stages)
        pipeline.stages.clear()
        pipeline.environment += [CHANGE_ID: null, BRANCH_NAME: 'main']
        play('multibranch')
        assertEquals(['Build', 'Gate of the main line'], pipeline.stages)
        assertEquals(['never', 'auto'], requests()*.promote)
    }

    @Test
    void 'manual promotion releases what passed, by a person'() {
        program('verify-production.sh', 'exit 0')
        new File(pipeline.workspace, 'verify-production.sh').with { text = '#!/bin/sh\nexit 0\n'; executable = true }
        pipeline.person = { Map dialog -> [person: 'ann', reason: 'the week is quiet'] }
        play('manual-promotion')
        assertEquals([0, 'release-engineers'], pipeline.calls.input[0].with { [it.executors, it.submitter] })
        assertEquals('released by ann: the week is quiet (jenkins-shop-7)', gate.requestsTo('POST /v1/services/checkout/promotions')[0].body.reason)
        assertEquals(['Build', 'Gate', 'Release', 'Verify'], pipeline.stages)
    }

    @Test
    void 'manual promotion goes back when production does not verify'() {
        new File(pipeline.workspace, 'verify-production.sh').with { text = '#!/bin/sh\nexit 2\n'; executable = true }
        pipeline.person = { Map dialog -> [person: 'ann', reason: 'the week is quiet'] }
        gate.routes['GET /v1/services/checkout'] = {
            [200, [name: 'checkout', inForce: [build: requests()[0].build, configurationHash: CONFIGURATION], lastKnownGood: [build: BEFORE, configurationHash: CONFIGURATION]]]
        }
        String text = new File(PIPELINES, 'manual-promotion.Jenkinsfile').text.replace("@Library('speed-gate') _", '')
        assertEquals('production did not verify: the last known good build is back', failureOf(text))
        assertEquals([requests()[0].build, BEFORE], gate.requestsTo('POST /v1/services/checkout/promotions')*.body*.build)
    }

    @Test
    void 'manual promotion asks for an override after a rollback'() {
        playGate(checkout: [decision: 'rollback', cause: 'inconclusive', summary: 'too noisy.'])
        String text = new File(PIPELINES, 'manual-promotion.Jenkinsfile').text.replace("@Library('speed-gate') _", '')
            .replace('speedGateOverride(run: verdict)', 'speedGateOverride(run: verdict, timeoutMinutes: 0.001)')
        assertTrue(failureOf(text).contains('nobody ordered to promote'))
        assertTrue(log().contains("give the order at ${url}/#/runs/run-checkout"))
    }

    @Test
    void 'parallel services are each gated, and each has its line'() {
        play('parallel-services')
        assertEquals(['account', 'checkout', 'search'], requests()*.service.sort())
        assertEquals(3, requests()*.build.unique().size())
        for (String service : ['account', 'checkout', 'search']) {
            assertTrue(pipeline.currentBuild.description.contains("${service}: pass (met)"))
            assertTrue(log().contains("${service}: All thresholds were met."))
        }
    }

    @Test
    void 'nightly capacity compares with the reference and promotes nothing'() {
        play('nightly-capacity')
        assertEquals(['reference', 'never'], requests()[0].with { [it.against, it.promote] })
        assertTrue(requests()[0].thresholds.contains('capacity >= baseline - 5%'))
        assertTrue(!log().contains('not shown to keep to its reference release'))
        playGate(checkout: [decision: 'rollback', cause: 'inconclusive', summary: 'too noisy.'])
        play('nightly-capacity')
        assertEquals('UNSTABLE', pipeline.result)
        assertTrue(log().contains('not shown to keep to its reference release'))
    }

    @Test
    void 'wake goes on without the plugin'() {
        play('wake')
        assertTrue(log().contains('without the plugin Webhook Step'))
        assertEquals(['Build', 'Gate'], pipeline.stages)
    }

    @Test
    void 'whole'() {
        new File(pipeline.workspace, 'speedgate.yaml').text = '{"services": [{"name": "checkout", "promotion": {"default": "auto"}}]}'
        new File(pipeline.workspace, 'pom.xml').text = '<project/>'
        for (String name : ['benchmark.sh', 'verify-production.sh']) {
            new File(pipeline.workspace, name).with { text = "#!/bin/sh\necho ${name} ran\n"; executable = true }
        }
        playGate(checkout: [decision: 'promote'])
        play('whole')
        assertEquals(['Checkout', 'Build', 'Integration tests', 'Staging', 'Gate', 'Verify'], pipeline.stages)
        assertTrue(log().contains('verify-production.sh ran'))
    }

    /** The repository's own pipeline, with all that it starts played; the verdicts on the two builds are the test's. */
    private String ownPipeline(Closure asFast, Closure slower) {
        program('.ci/run', 'echo tested')
        program('npm', 'echo "npm $*"')
        program('.ci/own-gate', 'echo "own-gate $1"; cd .speed-gate/own || exit; echo "$SPEED_GATE_URL" >url; for war in as-fast slower; do echo $war >$war.war; done')
        new File(pipeline.workspace, '.speed-gate/own').mkdirs()
        playGate(checkout: { Map request -> request.body.build == digestOf('slower\n') ? slower() : asFast() })
        return new File(LIBRARY, 'Jenkinsfile').text.replace("@Library('speed-gate') _", '')
    }

    private static String digestOf(String text) { MessageDigest.getInstance('SHA-256').digest(text.bytes).encodeHex() }

    @Test
    void 'the own pipeline of the repository lets a gate service pass that knows slow from fast'() {
        String text = ownPipeline({ [:] }, { [decision: 'rollback', cause: 'breached', summary: 'slower.'] })
        pipeline.environment += [BRANCH_NAME: 'feature']
        pipeline.run(text)
        assertEquals(['Test', 'Demo', 'Gate'], pipeline.stages)
        assertEquals([['checkout', 'never']] * 2, requests().collect { [it.service, it.promote] })
        for (String line : ['npm run demo -- --exit', 'own-gate start', 'own-gate stop']) { assertEquals(line, 1, lines.count(line)) }
        pipeline.stages.clear()
        pipeline.environment += [BRANCH_NAME: 'main']
        pipeline.run(text)
        assertEquals(['Test', 'Demo', 'Gate', 'Own speed'], pipeline.stages)
    }

    @Test
    void 'the own pipeline fails on a wrong verdict, whichever, and ends what it started'() {
        Map slow = [decision: 'rollback', cause: 'breached', summary: 'slower.']
        Map<String, List<Closure>> wrong = [
            'says rollback (breached) of .speed-gate/own/as-fast.war, true is pass (met)': [{ slow }, { slow }],
            'says pass (met) of .speed-gate/own/slower.war, true is rollback (breached)': [{ [:] }, { [:] }],
        ]
        wrong.each { String words, List<Closure> verdicts ->
            lines.clear()
            String message = failureOf(ownPipeline(verdicts[0], verdicts[1]))
            assertTrue(message, message.contains(words))
            assertEquals(1, lines.count('own-gate stop'))
        }
    }

    @Test
    void 'the own pipeline asks again after noise, but is not let off'() {
        int asked = 0
        Map noise = [decision: 'rollback', cause: 'invalid', summary: 'too noisy.']
        Map slow = [decision: 'rollback', cause: 'breached', summary: 'slower.']
        pipeline.run(ownPipeline({ ++asked < 3 ? noise : [:] }, { slow }))
        assertEquals(4, requests().size())
        gate.requests.clear()
        assertTrue(failureOf(ownPipeline({ noise }, { slow })).contains('says rollback (invalid)'))
        assertEquals(3, requests().size())
    }

    @Test
    void 'the pipeline of the sample application gates what the demo puts there'() {
        new File(pipeline.workspace, 'target').mkdirs()
        new File(pipeline.workspace, 'target/checkout.war').text = 'war'
        pipeline.run(new File(LIBRARY, 'resources/sample-application/Jenkinsfile').text)
        assertEquals([['checkout', 'auto']], requests().collect { [it.service, it.promote] })
    }
}
