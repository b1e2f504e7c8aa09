import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * Puts what a run came to where Jenkins' users look: JUnit, JTL, HTML report, gate.json, summary, badge, description.
 * See speedGatePublish.txt for the arguments.
 */
Map call(Map args = [:]) {
    // `speedGatePublish(verdict)` is `speedGatePublish(run: verdict)`.
    Map given = args?.runId ? [run: args] : args
    Map values = speedGateArguments.checked('speedGatePublish', parameters(), given ?: [:])
    return published(values, speedGatePromotion.runIdOf('speedGatePublish', values.run))
}

/** Internal: what the step takes. */
Map parameters() {
    return [
        run      : [mandatory: 'what speedGate returned, or the id of a run'],
        directory: [text: true, default: 'speed-gate'],
    ] + speedGateArguments.connection()
}

/**
 * Internal: publishes; the arguments are checked already. The decision stands without it: whatever is missing is said
 * in one line and never fails the build.
 * @return folder in the workspace, and the names of what was published
 */
Map published(Map values, String runId) {
    String folder = "${values.directory ?: 'speed-gate'}/${runId}".toString()
    List done = []
    try {
        speedGateClient.within(values) { done = publish(values, runId, folder) }
    } catch (FlowInterruptedException interrupted) {
        throw interrupted
    } catch (Exception failure) {
        echo("[speedGate] run ${runId} could not be published: ${failure.message}")
    }
    return [folder: folder, published: done]
}

private List publish(Map values, String runId, String folder) {
    Map answer = speedGateClient.attempt(values, [method: 'GET', path: "/v1/runs/${runId}".toString(), what: 'publish'])
    if (!answer.reached || answer.status >= 400) {
        echo("[speedGate] run ${runId} could not be published: ${answer.problem}")
        return []
    }
    Map run = speedGateConclusion.essence(answer.body)
    String title = titleOf(run)
    List files = fetched(values, runId, folder)
    List done = []
    if (files) {
        archiveArtifacts(artifacts: "${folder}/*".toString(), allowEmptyArchive: true)
        done.add('archive')
    }
    if (files.contains('junit.xml') && speedGateOptional(step: 'junit', plugin: 'JUnit', loses: 'the list of thresholds among the tests') {
        // The decision is the step's; what a rollback does to the build is said there.
        junit(testResults: "${folder}/junit.xml".toString(), allowEmptyResults: true, skipMarkingBuildUnstable: true, skipPublishingChecks: true)
    }) { done.add('junit') }
    if (files.contains('report.html') && speedGateOptional(step: 'publishHTML', plugin: 'HTML Publisher', loses: 'the report on the page of the build') {
        publishHTML(target: [reportName: "Speed Gate ${values.gateId ?: run.service}".toString(), reportDir: folder, reportFiles: 'report.html',
                             keepAll: true, alwaysLinkToLastBuild: true, allowMissing: true])
    }) { done.add('report') }
    if (files.contains('results.jtl') && speedGateOptional(step: 'perfReport', plugin: 'Performance', loses: 'the trend of response times') {
        perfReport(sourceDataFiles: "${folder}/results.jtl".toString())
    }) { done.add('trend') }
    String url = speedGateAnswer.address(values.url, "/#/runs/${runId}")
    if (speedGateOptional(step: 'addBadge', plugin: 'Badge', loses: 'the badge in the history of builds') {
        addBadge(id: "speed-gate-${runId}".toString(), icon: iconOf(run), text: title, link: url)
    }) { done.add('badge') }
    if (speedGateOptional(step: 'addSummary', plugin: 'Badge', loses: 'the summary on the page of the build') {
        addSummary(id: "speed-gate-${runId}".toString(), icon: iconOf(run), text: "${title}: ${run.summary ?: ''}".toString(), link: url)
    }) { done.add('summary') }
    describe(title)
    done.add('description')
    return done
}

/** The documents of the run that are there; one without samples has no results. */
private List fetched(Map values, String runId, String folder) {
    Map documents = ['gate.json': '', 'report.html': '/report.html', 'junit.xml': '/junit.xml', 'results.jtl': '/results.jtl']
    List names = new ArrayList(documents.keySet())
    List files = []
    for (int i = 0; i < names.size(); i++) {
        Map answer = speedGateClient.attempt(values, [
            method: 'GET', path: "/v1/runs/${runId}${documents[names[i]]}".toString(), toFile: "${folder}/${names[i]}".toString(), what: names[i],
        ])
        if (answer.reached && answer.status < 400) { files.add(names[i]) }
        else { echo("[speedGate] no ${names[i]} of run ${runId}: ${answer.problem}") }
    }
    return files
}

private String titleOf(Map run) {
    String ordered = run.override ? ", ${run.override.actor} orders ${run.override.order}" : ''
    return "${run.service}: ${run.decision ?: run.phase}${run.cause ? ' (' + run.cause + ')' : ''}${ordered}".toString()
}

private String iconOf(Map run) {
    return speedGateConclusion.good(run) ? 'symbol-checkmark-circle-outline plugin-ionicons-api' : 'symbol-close-circle-outline plugin-ionicons-api'
}

/** Internal: one line in the description of the build for each gate, beside what is there. */
void describe(String title) {
    String before = currentBuild.description
    if (before?.contains(title)) { return }
    currentBuild.description = before ? "${before} · ${title}".toString() : title
}
