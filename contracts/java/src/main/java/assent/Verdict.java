package assent;

import java.util.Set;

/** Why a change is left alone. */
record Verdict(Result result, String detail) {
    /** Null if the change waits to be claimed. `types` is empty if changes to all types are applied. */
    static Verdict of(Change change, OpenRequest found, String doubt, Set<String> types, boolean isInHand) {
        if (found == null) {
            return new Verdict(Result.NOT_OPEN, "The ledger has no open request of this id here.");
        }
        if (found.wasRelease(change)) {
            return new Verdict(Result.NOT_OPEN, "It has been released again since.");
        }
        if (!found.isRelease(change)) {
            return new Verdict(Result.FORGED, "This is not what the ledger has released, if anything.");
        }
        if (!types.isEmpty() && !types.contains(change.type())) {
            return new Verdict(Result.OTHER_TYPE, "");
        }
        if (isInHand) {
            return new Verdict(Result.IN_HAND, "");
        }
        if (found.grant() != null) {
            return new Verdict(Result.NOT_OPEN, found.grant().applier() + " has claimed it.");
        }
        return doubt.isEmpty() ? null : new Verdict(Result.NO_EVIDENCE, doubt);
    }
}
