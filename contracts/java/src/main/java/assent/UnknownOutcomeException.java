package assent;

/**
 * A handler's answer: the change may have been made or not. It is never tried again, and people settle it. The message
 * is for people. Any exception but RetryableException and FinalException means the same.
 */
public final class UnknownOutcomeException extends Exception {
    private static final long serialVersionUID = 1;

    public UnknownOutcomeException(String message) {
        super(message);
    }

    public UnknownOutcomeException(String message, Throwable cause) {
        super(message, cause);
    }
}
