/**
 * Internal: what speedPipeline does in this repository, from its speedgate.yaml and what it is built with.
 * @return build, test and war (commands and a pattern), promotion, request (arguments of speedGateStart)
 */
Map call(Map values) {
    Map service = serviceOf(values)
    Map tool = toolOf()
    String promotion = promotionOf(values, service)
    Map request = [service: service.name, promote: promotion]
    List names = ['url', 'credentialsId', 'transport', 'agent']
    for (int i = 0; i < names.size(); i++) { request[names[i]] = values[names[i]] }
    if (service.thresholds) { request.thresholds = service.thresholds }
    if (service.workload) {
        // The gate cannot read files of this repository.
        if (namesFiles(service.workload)) { echo("[speedGate] the workload in ${values.file} names files: the catalogue's is used") }
        else { request.workload = service.workload }
    }
    Map plan = [build: values.build ?: tool.build, test: values.test ?: tool.test, war: values.war ?: tool.war, promotion: promotion, request: request]
    if (!plan.build || !plan.war) {
        error('speedPipeline: the repository has neither pom.xml nor build.gradle: give build (a command) and war (a path or pattern)')
    }
    echo("[speedGate] ${service.name}: build '${plan.build}', war '${plan.war}', promotion ${promotion}")
    return plan
}

/** Internal: the one file that the pattern means. */
String war(String pattern) {
    String found = ''
    withEnv(["SPEED_GATE_WAR=${pattern}"]) {
        // Without quotes the shell takes the pattern for a pattern, and nothing else.
        found = sh(script: 'set +x; for file in $SPEED_GATE_WAR; do if [ -f "$file" ]; then printf "%s\\n" "$file"; fi; done', returnStdout: true,
                   label: 'the build')
    }
    List files = found.trim() ? found.trim().split('\n') as List : []
    if (files.size() != 1) {
        error("speedPipeline: ${files.size()} files are like '${pattern}'${files ? ' (' + files.join(', ') + ')' : ''}: one is needed, give war")
    }
    return files[0]
}

/** The service of the file; its only one, or the named one. */
private Map serviceOf(Map values) {
    if (!fileExists(values.file)) {
        error("speedPipeline: there is no ${values.file} in the repository: it says which service this is (docs/jenkins.md)")
    }
    Map file = [:]
    boolean read = speedGateOptional(step: 'readYaml', plugin: 'Pipeline Utility Steps', loses: "reading ${values.file}") {
        file = speedGateArguments.plain(readYaml(file: values.file) ?: [:])
    }
    if (!read) { error('speedPipeline: it needs the plugin Pipeline Utility Steps') }
    List services = file.services instanceof List ? file.services : []
    List names = []
    Map only = null
    for (int i = 0; i < services.size(); i++) {
        names.add(services[i].name)
        if (services.size() == 1 && !values.service || services[i].name == values.service) { only = services[i] }
    }
    if (!only?.name) {
        error("speedPipeline: ${values.file} has ${names ? 'the services ' + names.join(', ') : 'no services'}: ${values.service ? "none is '${values.service}'" : 'say which one by service'}")
    }
    return only
}

/** Only the main line goes to production: no pull request, no other branch. */
private String promotionOf(Map values, Map service) {
    boolean main = !env.CHANGE_ID && (!env.BRANCH_NAME || env.BRANCH_NAME == values.branch)
    return main ? values.promote ?: service.promotion?.default ?: 'manual' : 'never'
}

private Map toolOf() {
    if (fileExists('pom.xml')) {
        String maven = fileExists('mvnw') ? './mvnw' : 'mvn'
        return [build: maven + ' --batch-mode package -DskipITs', test: maven + ' --batch-mode verify', war: 'target/*.war']
    }
    if (fileExists('build.gradle') || fileExists('build.gradle.kts')) {
        String gradle = fileExists('gradlew') ? './gradlew' : 'gradle'
        return [build: gradle + ' assemble', test: gradle + ' check', war: 'build/libs/*.war']
    }
    return [:]
}

private boolean namesFiles(Map workload) {
    List sources = [workload.data]
    List requests = workload.requests ?: []
    for (int i = 0; i < requests.size(); i++) { sources.add(requests[i].data) }
    for (int i = 0; i < sources.size(); i++) {
        if (sources[i] instanceof Map && sources[i].file) { return true }
    }
    return false
}
