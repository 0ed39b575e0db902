package assent;

import java.util.ArrayList;
import java.util.List;

/**
 * A request that holds its object, as the accepted ledger has it.
 *
 * @param onBehalfOf empty if there is none
 * @param release the newest release, or null
 * @param earlier the releases before it: people may settle an unknown outcome by another try
 * @param grant the claim that was granted, or null
 * @param doubt why nothing may be applied, whatever is released; empty if there is no reason
 * @param approved the seq of the record that approved it last; -1 if there is none
 * @param approvers the accounts whose approvals count
 * @param set what it has to do with a set
 */
record OpenRequest(
        String request, String resource, String operation, String requester, String onBehalfOf, String justification,
        String digest, String submission, String base, State state, ReleasedAt release, List<ReleasedAt> earlier, Grant grant,
        String doubt, long approved, List<String> approvers, SetPart set) {
    /** How far an open request has come, in this order. */
    enum State { NEEDS_APPROVAL, APPROVED, RELEASED, APPLYING, UNSETTLED }

    /**
     * Where a release is.
     *
     * @param seq of its record
     * @param at log time, ms
     */
    record ReleasedAt(long seq, long at) {}

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
        return isReleased() && isOf(release, change);
    }

    /** Whether a change is an earlier release of this request, which has been released again since. */
    boolean wasRelease(Change change) {
        return earlier.stream().anyMatch(each -> isOf(each, change));
    }

    private boolean isOf(ReleasedAt released, Change change) {
        return change.request().equals(request) && change.resource().equals(resource)
                && change.operation().equals(operation) && change.requester().equals(requester)
                && change.onBehalfOf().equals(onBehalfOf) && change.justification().equals(justification)
                && change.digest().equals(digest) && change.submission().equals(submission) && change.base().equals(base)
                && change.released() == released.seq() && change.at() == released.at()
                && Encodings.sha256Hex(change.payload()).equals(digest);
    }

    OpenRequest in(State next) {
        return with(next, release, earlier, grant, doubt);
    }

    OpenRequest approvedAt(long seq) {
        return new OpenRequest(
                request, resource, operation, requester, onBehalfOf, justification, digest, submission, base,
                State.APPROVED, release, earlier, grant, doubt, seq, approvers, set);
    }

    OpenRequest approvedBy(List<String> accounts) {
        return new OpenRequest(
                request, resource, operation, requester, onBehalfOf, justification, digest, submission, base,
                state, release, earlier, grant, doubt, approved, List.copyOf(accounts), set);
    }

    OpenRequest releasedBy(LedgerRecord record) {
        List<ReleasedAt> before = new ArrayList<>(earlier);
        if (release != null) {
            before.add(release);
        }
        return with(
                State.RELEASED, new ReleasedAt(record.seq(), record.at()), List.copyOf(before), null, doubt);
    }

    OpenRequest grantedTo(Grant granted) {
        return with(State.APPLYING, release, earlier, granted, doubt);
    }

    OpenRequest inDoubt(String why) {
        return with(state, release, earlier, grant, why);
    }

    private OpenRequest with(State next, ReleasedAt newest, List<ReleasedAt> before, Grant granted, String why) {
        return new OpenRequest(
                request, resource, operation, requester, onBehalfOf, justification, digest, submission, base, next, newest,
                before, granted, why, approved, approvers, set);
    }
}
