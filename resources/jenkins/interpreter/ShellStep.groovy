/** `sh` as Jenkins has it: POSIX shell with -e in the workspace; an unexpected exit code fails the step. */
class ShellStep {
    private final PipelineInterpreter pipeline

    ShellStep(PipelineInterpreter pipeline) { this.pipeline = pipeline }

    Object run(Map options) {
        File file = File.createTempFile('script', '.sh', pipeline.temporaryFolder())
        try {
            file.text = options.script.toString()
            List command = options.script.toString().startsWith('#!') ? ['sh', file.path] : ['sh', '-xe', file.path]
            ProcessBuilder builder = new ProcessBuilder(command as String[]).directory(pipeline.workspace)
            for (Map.Entry entry : EnvironmentVariables.current().entrySet()) {
                if (entry.value != null) { builder.environment().put(entry.key.toString(), entry.value.toString()) }
            }
            if (!options.returnStdout) { builder.redirectErrorStream(true) }
            return pipeline.turns.aside { finish(builder.start(), options) }
        } finally {
            file.delete()
        }
    }

    private Object finish(Process process, Map options) {
        process.outputStream.close()
        Thread errors = reading { process.errorStream.eachLine { String line -> pipeline.log(line) } }
        StringBuilder text = new StringBuilder()
        Thread reader = reading { text.append(process.inputStream.getText('UTF-8')) }
        int code
        try {
            code = process.waitFor()
        } catch (InterruptedException interrupted) {
            process.descendants().forEach { it.destroy() }
            process.destroy()
            throw interrupted
        }
        errors.join()
        reader.join()
        String output = text.toString()
        if (!options.returnStdout && output) { output.eachLine { String line -> pipeline.log(line) } }
        if (options.returnStatus) { return code }
        if (code != 0) { throw new PipelineError("script returned exit code ${code}") }
        return options.returnStdout ? output : null
    }

    /** A process that is ended takes its output with it. */
    private static Thread reading(Closure read) {
        return Thread.start {
            try { read() } catch (IOException ignored) { }
        }
    }
}
