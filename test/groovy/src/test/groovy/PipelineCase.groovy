import groovy.json.JsonSlurperClassic
import org.junit.After
import org.junit.Before
import org.junit.Rule
import org.junit.rules.TemporaryFolder
import org.junit.rules.TestWatcher
import org.junit.runner.Description

import static org.junit.Assert.assertTrue
import static org.junit.Assert.fail

/** A Jenkinsfile on the pipeline's interpreter, `sh` and curl real, against {@link GateRoutes}. */
abstract class PipelineCase {
    public static final File LIBRARY = new File(System.getProperty('library.root')).canonicalFile
    public static final String BUILD = 'b' * 64
    public static final String CONFIGURATION = 'c' * 64
    public static final String BEFORE = 'a' * 64

    @Rule
    public TemporaryFolder folder = new TemporaryFolder()

    /** What the build's log said helps whoever reads a failure. */
    @Rule
    public TestWatcher watcher = new TestWatcher() {
        @Override
        protected void failed(Throwable failure, Description description) { println("${description.methodName}:\n${log()}") }
    }

    final GateRoutes gate = new GateRoutes()
    final List<String> lines = Collections.synchronizedList([])
    PluginSteps pipeline
    String url

    @Before
    void startGate() {
        url = gate.start()
        pipeline = newPipeline()
    }

    protected PluginSteps newPipeline() {
        return new PluginSteps(
            library: LIBRARY, workspace: folder.newFolder(), log: { String line -> lines << line },
            environment: [SPEED_GATE_URL: url, BUILD_TAG: 'jenkins-shop-7', BUILD_DISPLAY_NAME: '#7', SPEED_GATE_TRIES: '2'],
            secrets: ['speed-gate': GateRoutes.TOKEN, speedGateApproval: GateRoutes.APPROVER])
    }

    @After
    void stopGate() {
        gate.stop()
        for (String token : [GateRoutes.TOKEN, GateRoutes.APPROVER]) { assertTrue('a token is in the log', !log().contains(token)) }
    }

    String log() { new ArrayList(lines).join('\n') }

    /** The words that the build failed with. */
    protected String failureOf(String jenkinsfile) {
        try {
            pipeline.run(jenkinsfile)
        } catch (Throwable failure) {
            Throwable cause = failure
            while (!(cause instanceof PipelineError) && cause.cause != null) { cause = cause.cause }
            if (!(cause instanceof PipelineError)) { throw failure }
            return cause.message
        }
        fail("the build did not fail:\n${log()}")
        return null
    }

    /** A finished run as the service tells it. */
    protected Map runOf(Map changes = [:]) {
        return [id: 'run-1', revision: '3-0-none', service: 'checkout', build: BUILD, createdAt: '2026-01-01T00:00:00.000Z',
                phase: 'finished', decision: 'pass', cause: 'met',
                summary: 'All thresholds were met.', evidence: [[outcome: 'met', sentence: 'p50 is 0.4 % slower.']], overrides: [],
                configuration: [hash: CONFIGURATION, adopted: false, values: [:]], links: [:]] + changes
    }

    protected Map promotionOf(Map changes = [:]) {
        return [id: 'p-1', service: 'checkout', build: BUILD, configuration: CONFIGURATION, origin: 'person', actor: 'ci', reason: 'none',
                state: 'running', stage: 'weighting', steps: [], createdAt: '2026-01-01T00:00:00.000Z', links: [:]] + changes
    }

    protected static Object copy(Object value) { new JsonSlurperClassic().parseText(groovy.json.JsonOutput.toJson(value)) }

    /** Production of `checkout` as an order changes it: POST stores a promotion, which ends as `end` when it is looked at. */
    protected Map playProduction(Map end = [state: 'completed']) {
        Map world = [promotions: []]
        gate.routes['GET /v1/services/checkout/promotions'] = { [200, [items: world.promotions]] }
        gate.routes['POST /v1/services/checkout/promotions'] = { Map request ->
            Map promotion = promotionOf(request.body + [id: "p-${world.promotions.size() + 1}".toString()])
            world.promotions.add(0, promotion)
            gate.routes["GET /v1/promotions/${promotion.id}".toString()] = {
                promotion.steps = promotion.steps + [[weight: 25 * (promotion.steps.size() + 1), outcome: 'held', sentence: 'held for 8 s']]
                if (promotion.steps.size() == 2) { promotion.putAll(end) }
                [200, promotion]
            }
            [202, copy(promotion)]
        }
        return world
    }

    /** Takes builds and runs; every run ends at once as `runOf` the changes for its service: a map, or a closure from the request to it. */
    protected void playGate(Map changes = [:]) {
        gate.routes['PUT /v1/builds/*'] = { Map request -> [201, [sha256: request.route.tokenize('/').last()]] }
        gate.routes['POST /v1/runs'] = { Map request ->
            String service = request.body.service
            String id = "run-${service}"
            Map finished = runOf([id: id, service: service, build: request.body.build] + (changes[service] instanceof Closure ? changes[service].call(request) : changes[service] ?: [:]))
            gate.routes["GET /v1/runs/${id}".toString()] = { [200, finished] }
            gate.routes["GET /v1/runs/${id}/events".toString()] = { [200, [events: [[sequence: 1, type: 'decision', at: '2026-01-01T00:00:00.000Z', message: finished.summary]]]] }
            [202, [id: id, build: request.body.build]]
        }
    }

    /** Commands that lie in the workspace's own folder of programs, each a shell script. */
    protected void program(String name, String script) {
        File file = new File(pipeline.workspace, name.contains('/') ? name : "bin/${name}")
        file.parentFile.mkdirs()
        file.text = "#!/bin/sh\n${script}\n"
        file.executable = true
        pipeline.environment.PATH = "${pipeline.workspace}/bin:${System.getenv('PATH')}".toString()
    }
}
