import groovy.json.JsonOutput
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException
import org.junit.Before
import org.junit.Test

import static org.junit.Assert.assertEquals
import static org.junit.Assert.assertFalse
import static org.junit.Assert.assertTrue
import static org.junit.Assert.fail

/** speedPipeline in a repository that has a speedgate.yaml and a pom.xml, and nothing else. */
class SpeedPipelineTest extends PipelineCase {
    Map service = [name: 'checkout', thresholds: ['p95 <= baseline + 5%'], workload: [rate: 100, requests: [[name: 'search', path: '/search']]],
                   promotion: [default: 'auto']]

    @Before
    void playRepository() {
        write('pom.xml', '<project/>')
        catalogue([service])
        program('mvn', 'echo "mvn $*" >> commands; mkdir -p target; echo war > target/checkout.war')
        playGate(checkout: [decision: 'promote'])
        playProduction()
    }

    private void write(String name, String text) { new File(pipeline.workspace, name).text = text }

    private void catalogue(List<Map> services) { write('speedgate.yaml', JsonOutput.toJson([services: services])) }

    private Map request() { gate.requestsTo('POST /v1/runs')[0].body }

    private List<String> commands() { new File(pipeline.workspace, 'commands').readLines() }

    @Test
    void 'builds, tests, gates and promotes what the file says'() {
        Map verdict = pipeline.run('return speedPipeline()') as Map
        assertEquals('promote', verdict.decision)
        assertEquals(['mvn --batch-mode package -DskipITs', 'mvn --batch-mode verify'], commands())
        assertEquals(['checkout', 'auto', service.thresholds, service.workload], [request().service, request().promote, request().thresholds, request().workload])
        assertEquals('target/*.war is one file, uploaded', 1, gate.requests.count { it.route.startsWith('PUT /v1/builds/') })
        assertEquals('**/target/*-reports/*.xml,**/build/test-results/**/*.xml', pipeline.calls.junit[0].testResults)
        assertEquals(0, pipeline.executors)
    }

    @Test
    void 'a pull request and another branch are never promoted'() {
        for (Map where : [[CHANGE_ID: '7', BRANCH_NAME: 'PR-7'], [BRANCH_NAME: 'feature'], [BRANCH_NAME: 'main', CHANGE_ID: '8']]) {
            gate.requests.clear()
            playGate()
            pipeline.environment += [CHANGE_ID: null, BRANCH_NAME: null] + where
            pipeline.run("speedPipeline(promote: 'auto')")
            assertEquals('never', request().promote)
        }
        gate.requests.clear()
        pipeline.environment += [CHANGE_ID: null, BRANCH_NAME: 'main']
        pipeline.run('speedPipeline()')
        assertEquals('auto', request().promote)
    }

    @Test
    void 'what does not verify in production goes back'() {
        gate.routes['GET /v1/services/checkout'] = {
            [200, [name: 'checkout', inForce: [build: request().build, configurationHash: CONFIGURATION], lastKnownGood: [build: BEFORE, configurationHash: CONFIGURATION]]]
        }
        program('verify.sh', 'exit 3')
        assertEquals('speedPipeline: the verification of production ended with code 3; the last known good build of checkout is in production again',
            failureOf("speedPipeline(verify: 'verify.sh')"))
        Map order = gate.requestsTo('POST /v1/services/checkout/promotions')[0].body
        assertEquals([BEFORE, 'the verification of production ended with code 3 (jenkins-shop-7)'], [order.build, order.reason])
    }

    @Test
    void 'what does not verify is not called taken back when production runs another build meanwhile'() {
        gate.routes['GET /v1/services/checkout'] = {
            [200, [name: 'checkout', inForce: [build: BEFORE, configurationHash: CONFIGURATION], lastKnownGood: [build: BEFORE, configurationHash: CONFIGURATION]]]
        }
        program('verify.sh', 'exit 3')
        assertTrue(failureOf("speedPipeline(verify: 'verify.sh')").endsWith('production of checkout runs another build meanwhile, nothing was taken back'))
        assertTrue(gate.requestsTo('POST /v1/services/checkout/promotions').isEmpty())
    }

    @Test
    void 'what verifies stays, and what was not promoted is not verified'() {
        program('verify.sh', 'echo verified >> commands')
        pipeline.run("speedPipeline(verify: 'verify.sh')")
        assertEquals(1, commands().count('verified'))
        playGate(checkout: [decision: 'pass'])
        pipeline.run("speedPipeline(verify: 'verify.sh', promote: 'never')")
        assertEquals(1, commands().count('verified'))
        assertTrue(gate.requestsTo('POST /v1/services/checkout/promotions').isEmpty())
    }

    @Test
    void 'failing tests end it before the gate, and are shown'() {
        program('mvn', 'mkdir -p target; echo war > target/checkout.war; case "$*" in *verify*) exit 1 ;; esac')
        assertTrue(failureOf('speedPipeline()').contains('exit code 1'))
        assertEquals(1, pipeline.calls.junit.size())
        assertTrue(gate.requestsTo('POST /v1/runs').isEmpty())
    }

    @Test
    void 'a benchmark is run, archived and shown'() {
        program('benchmark.sh', 'echo "benchmark" >> commands')
        pipeline.run("speedPipeline(benchmark: 'benchmark.sh', benchmarkResults: 'out/*.jtl')")
        assertEquals('benchmark', commands().last())
        assertEquals('out/*.jtl', pipeline.calls.archiveArtifacts[0].artifacts)
        assertEquals('out/*.jtl', pipeline.calls.perfReport[0].sourceDataFiles)
    }

    @Test
    void 'a rollback fails it, or asks for an override where that is wanted'() {
        playGate(checkout: [decision: 'rollback', cause: 'breached', summary: 'p95 is 30 % slower.'])
        assertTrue(failureOf('speedPipeline()').contains('rollback (breached): p95 is 30 % slower.'))
        assertEquals(0, pipeline.calls.input.size())
        assertTrue(failureOf('speedPipeline(override: true, approvalMinutes: 0.001)').contains('nobody ordered to promote run run-checkout'))
        assertTrue(log().contains("give the order at ${url}/#/runs/run-checkout"))
        pipeline.environment += [CHANGE_ID: '7']
        assertTrue('a pull request has nothing to be overridden for', failureOf('speedPipeline(override: true)').contains('rollback (breached)'))
        assertEquals(0, pipeline.calls.input.size())
    }

    @Test
    void 'tests that only make the build unstable end it before the gate, too'() {
        pipeline.onStep = { String name, Object[] arguments -> if (name == 'junit') { pipeline.currentBuild.result = 'UNSTABLE' } }
        assertTrue(failureOf('speedPipeline()').contains('the build is UNSTABLE after its tests'))
        assertTrue(gate.requestsTo('POST /v1/runs').isEmpty())
    }

    @Test
    void 'a verification that breaks, or hangs, goes back as one that fails'() {
        gate.routes['GET /v1/services/checkout'] = {
            [200, [name: 'checkout', inForce: [build: request().build, configurationHash: CONFIGURATION], lastKnownGood: [build: BEFORE, configurationHash: CONFIGURATION]]]
        }
        program('verify.sh', 'exec sleep 60')
        assertTrue(failureOf("speedPipeline(verify: 'verify.sh', verifyMinutes: 0.01)").contains('took longer than 0.01 minutes; the last known good build'))

        playProduction()
        pipeline.onStep = { String name, Object[] arguments ->
            if (name == 'sh' && arguments[0].label == 'verify production') { throw new PipelineError('the agent was lost') }
        }
        assertTrue(failureOf("speedPipeline(verify: 'verify.sh')").contains('could not be verified (the agent was lost); the last known good build'))
        assertEquals([BEFORE, BEFORE], gate.requestsTo('POST /v1/services/checkout/promotions')*.body*.build)
    }

    @Test
    void 'an abort of the verification is one'() {
        program('verify.sh', 'exit 0')
        pipeline.onStep = { String name, Object[] arguments ->
            if (name == 'sh' && arguments[0].label == 'verify production') { throw new FlowInterruptedException('Aborted by a person') }
        }
        try {
            pipeline.run("speedPipeline(verify: 'verify.sh')")
            fail('the build went on')
        } catch (FlowInterruptedException expected) {
            assertTrue(log().contains('aborted before production was verified'))
            assertTrue(gate.requestsTo('POST /v1/services/checkout/promotions').isEmpty())
        }
    }

    @Test
    void 'says what the repository lacks'() {
        write('target.war', 'x')
        Map<String, Closure> lacks = [
            'there is no speedgate.yaml': { new File(pipeline.workspace, 'speedgate.yaml').delete() },
            'speedgate.yaml has no services': { write('speedgate.yaml', '{}') },
            'has the services checkout, search: say which one by service': { catalogue([service, service + [name: 'search']]) },
            'neither pom.xml nor build.gradle': { new File(pipeline.workspace, 'pom.xml').delete() },
        ]
        for (Map.Entry<String, Closure> one : lacks) {
            playRepository()
            one.value.call()
            String message = failureOf('speedPipeline()')
            assertTrue("${one.key} in ${message}", message.contains(one.key))
        }
        playRepository()
        program('mvn', 'mkdir -p target; echo war > target/one.war; echo war > target/two.war')
        String message = failureOf('speedPipeline()')
        assertTrue(message, message.contains("files are like 'target/*.war' (target/"))
        assertFalse(gate.requests.any())
    }

    @Test
    void 'a workload whose data is in files stays with the catalogue'() {
        catalogue([service + [workload: [rate: 100, requests: [[name: 'search', path: '/x', data: [file: 'users.csv']]]]]])
        pipeline.run('speedPipeline()')
        assertFalse(request().containsKey('workload'))
        assertTrue(log().contains("the workload in speedgate.yaml names files: the catalogue's is used"))
    }
}
