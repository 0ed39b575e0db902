package assent;

/** A command was refused: on the ledger, or before it was sent because a decider would refuse it for its form. */
public final class RefusedException extends AssentException {
    private static final long serialVersionUID = 1;

    private final transient Refusal refusal;

    RefusedException(Refusal refusal) {
        super(refusal.toString());
        this.refusal = refusal;
    }

    /** The refusal of a member of a set; `resource` is its object. */
    RefusedException(String resource, RefusedException cause) {
        super(resource + ": " + cause.getMessage(), cause);
        this.refusal = cause.refusal();
    }

    /** What was refused, and what the sender can do. */
    public Refusal refusal() {
        return refusal;
    }
}
