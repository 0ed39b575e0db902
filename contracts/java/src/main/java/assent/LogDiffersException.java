package assent;

/**
 * The log is less than what was known of it, or another one: it was cut, put back or recreated. Nothing is applied or
 * reported until the right log is there.
 */
public final class LogDiffersException extends AssentException {
    private static final long serialVersionUID = 1;

    LogDiffersException(String what) {
        super(what + ": the log is not the one that was read before, so have its newest copy put back");
    }
}
