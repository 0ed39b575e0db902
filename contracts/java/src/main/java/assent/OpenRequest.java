package assent;

/**
 * A request that holds its object, as the accepted ledger has it.
 *
 * @param onBehalfOf empty if there is none
 * @param releasedSeq the seq of the release, -1 before
 * @param releasedAt log time of the release, ms
 * @param grant the claim that was granted, or null
 * @param doubt why nothing may be applied, whatever is released; empty if there is no reason
 */
record OpenRequest(
        String request, String resource, String operation, String requester, String onBehalfOf, String justification,
        String digest, String submission, State state, long releasedSeq, long releasedAt, Grant grant, String doubt) {
    /** How far an open request has come, in this order. */
    enum State { NEEDS_APPROVAL, APPROVED, RELEASED, APPLYING, UNSETTLED }

    /**
     * A claim that was granted.
     *
     * @param seq of its record: the number of the claim
     * @param command the id of the command that claimed
     * @param deadline log time, ms
     */
    record Grant(long seq, String command, String applier, String digest, long deadline) {}

    /** Whether the change was released, and has not ended since. */
    boolean isReleased() {
        return state.compareTo(State.RELEASED) >= 0;
    }

    /**
     * Whether a change is this release, in every field and every byte of the payload. The digest covers the payload
     * only: who can write to assent.changes could turn an edit into a delete and keep it.
     */
    boolean isRelease(Change change) {
        return isReleased() && change.request().equals(request) && change.resource().equals(resource)
                && change.operation().equals(operation) && change.requester().equals(requester)
                && change.onBehalfOf().equals(onBehalfOf) && change.justification().equals(justification)
                && change.digest().equals(digest) && change.submission().equals(submission)
                && change.released() == releasedSeq && change.at() == releasedAt
                && Encodings.sha256Hex(change.payload()).equals(digest);
    }

    OpenRequest in(State next) {
        return with(next, releasedSeq, releasedAt, grant, doubt);
    }

    OpenRequest releasedBy(LedgerRecord record) {
        return with(State.RELEASED, record.seq(), record.at(), grant, doubt);
    }

    OpenRequest grantedTo(Grant granted) {
        return with(State.APPLYING, releasedSeq, releasedAt, granted, doubt);
    }

    OpenRequest inDoubt(String why) {
        return with(state, releasedSeq, releasedAt, grant, why);
    }

    private OpenRequest with(State next, long seq, long at, Grant granted, String why) {
        return new OpenRequest(
                request, resource, operation, requester, onBehalfOf, justification, digest, submission, next, seq, at,
                granted, why);
    }
}
