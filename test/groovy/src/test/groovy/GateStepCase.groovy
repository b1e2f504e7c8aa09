import org.junit.After
import org.junit.Before
import org.junit.Rule
import org.junit.rules.TemporaryFolder

import static org.junit.Assert.assertTrue
import static org.junit.Assert.fail

/** A pipeline on the CPS interpreter whose steps ask a real HTTP server by real curl. */
abstract class GateStepCase {
    @Rule
    public TemporaryFolder folder = new TemporaryFolder()

    final GateServiceStub service = new GateServiceStub()
    final List<String> lines = Collections.synchronizedList([])
    WebhookInterpreter pipeline
    File workspace
    String url

    @Before
    void start() {
        url = service.start()
        workspace = folder.newFolder('workspace')
        new File(workspace, 'app.war').text = 'not really a WAR; the stub does not look inside'
        pipeline = newPipeline()
    }

    protected WebhookInterpreter newPipeline() {
        return new WebhookInterpreter(
            library: new File(System.getProperty('library.root')), workspace: workspace,
            environment: [SPEED_GATE_URL: url, BUILD_TAG: 'jenkins-shop-7', BUILD_DISPLAY_NAME: '#7', SPEED_GATE_TRIES: '2'],
            secrets: ['speed-gate': GateServiceStub.TOKEN],
            log: { String line -> lines << line },
            // No test waits for the clock.
            onSleep: { Thread.sleep(20) })
    }

    @After
    void stop() { service.stop() }

    String log() { new ArrayList(lines).join('\n') }

    int said(String line) { new ArrayList(lines).count { it == "[speedGate] ${line}".toString() } }

    /** The message of the error that ends the Jenkinsfile. */
    String failureOf(String jenkinsfile) {
        try {
            pipeline.run(jenkinsfile)
        } catch (Throwable failure) {
            Throwable cause = failure
            while (!(cause instanceof PipelineError) && cause.cause != null) { cause = cause.cause }
            assertTrue("not an error of the step: ${cause}", cause instanceof PipelineError)
            return cause.message
        }
        fail("the pipeline did not fail:\n${log()}")
        return null
    }
}
