package assent;

import java.time.Duration;

/**
 * A handler's answer: nothing was changed, and a later try may succeed. The handler is called again while the lease
 * holds; then the outcome is a failure. The message is for people.
 */
public final class RetryableException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Duration retryAfter;

    public RetryableException(String message) {
        this(message, Duration.ZERO);
    }

    /** `retryAfter`: try again after this time at the earliest. */
    public RetryableException(String message, Duration retryAfter) {
        super(message);
        this.retryAfter = retryAfter;
    }

    Duration retryAfter() {
        return retryAfter;
    }
}
