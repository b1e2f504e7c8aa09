package org.jenkinsci.plugins.workflow.steps

/** What Jenkins throws into a step that is aborted or runs out of time: same name and base class as there. */
class FlowInterruptedException extends InterruptedException {
    FlowInterruptedException(String cause) { super(cause) }
}
