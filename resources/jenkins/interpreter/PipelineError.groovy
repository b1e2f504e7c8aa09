/** What fails a build: the `error` step, a missing credential, an exit code. */
class PipelineError extends RuntimeException {
    PipelineError(String message) { super(message) }
}
