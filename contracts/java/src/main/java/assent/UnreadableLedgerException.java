package assent;

/** An accepted record has something that this version of the library does not know: use a newer version. */
public final class UnreadableLedgerException extends AssentException {
    private static final long serialVersionUID = 1;

    UnreadableLedgerException(String what) {
        super(what + ": use a newer version of this library");
    }
}
