import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch

/** With the steps of the plugin Webhook Step: a hook that was called before somebody waits is remembered, as there. */
class WebhookInterpreter extends PipelineInterpreter {
    /** Without the plugin the steps do not exist. */
    boolean hasWebhooks = false
    final CountDownLatch waiting = new CountDownLatch(1)
    /** Executors held while a branch waited for a hook. */
    volatile Integer executorsWhileWaiting
    private final Map<String, CountDownLatch> hooks = new ConcurrentHashMap<>()

    /** What the gate's webhook does. */
    void wake(String token) { hooks[token].countDown() }

    /** What a restart of the controller may do to a call that nobody waited for yet. */
    void forgetCalls() { hooks.clear() }

    @Override
    protected void registerSteps() {
        super.registerSteps()
        if (!hasWebhooks) { return }
        step('registerWebhook', []) { -> register('hook-1') }
        step('registerWebhook', [Map]) { Map options -> register(options.token) }
        step('waitForWebhook', [Map]) { Map hook ->
            waiting.countDown()
            executorsWhileWaiting = executors
            turns.aside { hooks[hook.token].await() }
            return '{}'
        }
    }

    private Map register(String token) {
        hooks.putIfAbsent(token, new CountDownLatch(1))
        return [token: token]
    }
}
