package assent;

/** The recovery key has accepted a loss: part of what was read no longer counts. Start again, with a new Log. */
public final class LossAcceptedException extends AssentException {
    private static final long serialVersionUID = 1;

    LossAcceptedException() {
        super("a loss was accepted, so part of what was read no longer counts: start again");
    }
}
