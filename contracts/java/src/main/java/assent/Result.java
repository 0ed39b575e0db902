package assent;

import java.util.Locale;

/** What became of a record of assent.changes, or of the change in it. */
public enum Result {
    /** The change is made. */
    SUCCEEDED,
    /** Nothing was changed, or what was is stated in the detail. */
    FAILED,
    /** It is not known whether the change was made: people settle it. */
    UNKNOWN,
    /** The ledger has no such open request here, or it is claimed. */
    NOT_OPEN,
    /** It is not what the ledger has released. */
    FORGED,
    /** It is not a change. */
    UNREADABLE,
    /** This applier is working on it. */
    IN_HAND,
    /** Of a type that this applier leaves alone. */
    OTHER_TYPE,
    /** The ledger contradicts itself there. */
    NO_EVIDENCE,
    /** Another release of this id is in the journal, from a log that was put back. */
    OTHER_RELEASE,
    /** Another applier was first, or the request has ended. */
    NOT_CLAIMED,
    /** A claim or a report was refused; it is tried again once something has changed. */
    REFUSED;

    /** As the ledger and the other clients write it: {@code not-open}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The result of an outcome in a report; null for another text. */
    static Result ofOutcome(String text) {
        return switch (text) {
            case "succeeded" -> SUCCEEDED;
            case "failed" -> FAILED;
            case "unknown" -> UNKNOWN;
            default -> null;
        };
    }
}
