package assent;

/** The governance ledger does not begin with the record that the identity names. */
public final class NotFoundedException extends AssentException {
    private static final long serialVersionUID = 1;

    NotFoundedException() {
        super("the governance ledger does not begin with the record that the identity names: compare the identity and"
                + " the brokers with what `assent env` prints");
    }
}
