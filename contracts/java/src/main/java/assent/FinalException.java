package assent;

/**
 * A handler's answer: nothing was changed, and another try would not help. The outcome is a failure. The message is for
 * people; the requester sees it.
 */
public final class FinalException extends Exception {
    private static final long serialVersionUID = 1;

    public FinalException(String message) {
        super(message);
    }
}
