import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * A whole pipeline for a repository that only has a speedgate.yaml: build, integration tests with benchmark, staging,
 * gate, promotion, and back when production does not verify. See speedPipeline.txt for the arguments.
 */
Map call(Map args = [:]) {
    Map values = speedGateArguments.checked('speedPipeline', parameters(), args)
    Map plan = null
    Map started = null
    node(values.agent) {
        stage('Checkout') {
            checkout(scm)
            plan = speedPipelinePlan(values)
        }
        stage('Build') { sh(script: plan.build, label: 'build') }
        stage('Integration tests') {
            tested(values, plan)
            // Failed tests of a tool that ends with 0 all the same: `junit` has made the build unstable.
            if (currentBuild.currentResult != 'SUCCESS') { error("speedPipeline: the build is ${currentBuild.currentResult} after its tests: it is not gated") }
        }
        stage('Staging') { started = speedGateStart(plan.request + [build: speedPipelinePlan.war(plan.war)]) }
    }
    Map verdict = null
    // What is never promoted has nothing to be overridden for.
    boolean mayOverride = values.override && plan.promotion != 'never'
    // On no executor from here on: the gate may have a queue, and people take their time.
    stage('Gate') {
        verdict = speedGateWait(run: started, failBuild: !mayOverride, onPass: plan.promotion == 'manual' ? 'wait' : 'return',
                                timeoutMinutes: values.timeoutMinutes, approvalMinutes: values.approvalMinutes)
    }
    boolean promoted = verdict.decision == 'promote' || verdict.promotion != null
    if (verdict.decision == 'rollback') {
        stage('Override') {
            Map order = speedGateOverride(connectionOf(values) + [run: verdict, timeoutMinutes: values.approvalMinutes])
            promoted = order.state == 'acted'
        }
    }
    if (promoted && values.verify) { verified(values, verdict) }
    return verdict
}

/** Internal: what the step takes. */
Map parameters() {
    return [
        file           : [text: true, default: 'speedgate.yaml'],
        service        : [text: true],
        build          : [text: true],
        war            : [text: true],
        test           : [text: true],
        testResults    : [text: true, default: '**/target/*-reports/*.xml,**/build/test-results/**/*.xml'],
        benchmark      : [text: true],
        benchmarkResults: [text: true, default: '**/*.jtl'],
        verify         : [text: true],
        verifyMinutes  : [number: true, default: 15],
        promote        : [oneOf: ['auto', 'manual', 'never']],
        branch         : [text: true, default: 'main'],
        override       : [flag: true, default: false],
        timeoutMinutes : [number: true, default: 60],
        approvalMinutes: [number: true, default: 480],
    ] + speedGateArguments.connection()
}

/** Tests and benchmark are the repository's own; what they say is shown even when they fail. */
private void tested(Map values, Map plan) {
    try {
        if (plan.test) { sh(script: plan.test, label: 'integration tests') }
        if (values.benchmark) { sh(script: values.benchmark, label: 'benchmark') }
    } finally {
        speedGateOptional(step: 'junit', plugin: 'JUnit', loses: 'the list of tests') {
            junit(testResults: values.testResults, allowEmptyResults: true)
        }
        if (values.benchmark) {
            archiveArtifacts(artifacts: values.benchmarkResults, allowEmptyArchive: true)
            speedGateOptional(step: 'perfReport', plugin: 'Performance', loses: 'the trend of the benchmark') {
                perfReport(sourceDataFiles: values.benchmarkResults)
            }
        }
    }
}

/** What was promoted must also verify in production; otherwise the last known good comes back. */
private void verified(Map values, Map verdict) {
    String failed = null
    stage('Verify') { failed = verification(values) }
    if (!failed) { return }
    stage('Rollback') {
        Map back = speedGateRollback(connectionOf(values) + [run: verdict, reason: failed])
        String now = back.restored ? "the last known good build of ${verdict.service} is in production again"
                                   : "production of ${verdict.service} runs another build meanwhile, nothing was taken back"
        error("speedPipeline: ${failed}; ${now}")
    }
}

/** @return what is wrong with production, as far as the verification can tell; null when nothing is */
private String verification(Map values) {
    long began = System.currentTimeMillis()
    long limit = Math.round(values.verifyMinutes * 60d)
    String failed = null
    try {
        timeout(time: limit, unit: 'SECONDS') {
            node(values.agent) {
                checkout(scm)
                int code = sh(script: values.verify, returnStatus: true, label: 'verify production')
                if (code != 0) { failed = "the verification of production ended with code ${code}".toString() }
            }
        }
    } catch (FlowInterruptedException interrupted) {
        // Somebody's abort is not for us to answer with another promotion; our own time-out is.
        if (System.currentTimeMillis() - began < limit * 1000) {
            echo('[speedGate] aborted before production was verified: it runs the new build, speedGateRollback brings the former one back')
            throw interrupted
        }
        failed = "the verification of production took longer than ${values.verifyMinutes} minutes".toString()
    } catch (Exception failure) {
        failed = "production could not be verified (${failure.message?.take(200)})".toString()
    }
    return failed
}

private Map connectionOf(Map values) {
    Map connection = speedGateArguments.connection()
    List names = new ArrayList(connection.keySet())
    Map kept = [:]
    for (int i = 0; i < names.size(); i++) { kept[names[i]] = values[names[i]] }
    return kept
}
