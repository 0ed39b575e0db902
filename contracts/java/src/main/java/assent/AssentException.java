package assent;

/** Something that a client of Assent cannot go on from by itself. Each kind is a class of its own. */
public abstract sealed class AssentException extends RuntimeException
        permits LogDiffersException, LossAcceptedException, NotDecidedException, NotFoundedException,
                RefusedException, UnreadableLedgerException {
    private static final long serialVersionUID = 1;

    AssentException(String message) {
        super(message);
    }

    AssentException(String message, Throwable cause) {
        super(message, cause);
    }
}
