package assent;

/** The names of the topics. */
final class Topics {
    static final String COMMANDS = "assent.commands";
    static final String LEDGER = "assent.ledger";
    static final String GOVERNANCE = "assent.governance";
    static final String CHANGES = "assent.changes";

    private Topics() {}
}
