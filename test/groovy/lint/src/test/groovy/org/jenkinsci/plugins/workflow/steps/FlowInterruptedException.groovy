package org.jenkinsci.plugins.workflow.steps

/** Jenkins' own, here only so that the linted files compile. */
class FlowInterruptedException extends InterruptedException { }
