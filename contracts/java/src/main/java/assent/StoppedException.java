package assent;

/** The applier is to stop: what is in its journal is taken up at the next start. */
final class StoppedException extends Exception {
    private static final long serialVersionUID = 1;

    StoppedException() {
        super("the applier is to stop");
    }
}
