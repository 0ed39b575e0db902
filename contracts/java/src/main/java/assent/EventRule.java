package assent;

import static assent.OpenRequest.State.APPLYING;
import static assent.OpenRequest.State.APPROVED;
import static assent.OpenRequest.State.NEEDS_APPROVAL;
import static assent.OpenRequest.State.RELEASED;
import static assent.OpenRequest.State.UNSETTLED;

import java.util.Map;
import java.util.Set;

/**
 * What an event makes of a request.
 *
 * @param from the states in which it can come; in another one nothing is applied any more
 * @param into the state that follows; null if it stays
 * @param status with which it ends the request; null if it does not
 * @param by the field that names who ended it; null if there is none
 * @param sameDigest whether it must name the digest of the submission
 */
record EventRule(
        Set<OpenRequest.State> from, OpenRequest.State into, String status, String by, boolean sameDigest) {
    static final String SUBMITTED = "assent.change-submitted.v1";
    static final String RENEWED = "assent.lease-renewed.v1";

    private static final Set<OpenRequest.State> REPORTED = Set.of(RELEASED, APPLYING, UNSETTLED);
    private static final Set<OpenRequest.State> UNCLAIMED = Set.of(NEEDS_APPROVAL, APPROVED, RELEASED);
    /** Of events that concern no request, and of the one that opens it. */
    private static final EventRule NONE = new EventRule(Set.of(), null, null, null, false);

    /** Every event of requests that this version knows. */
    private static final Map<String, EventRule> RULES = Map.ofEntries(
            Map.entry(SUBMITTED, NONE),
            Map.entry("assent.members-reserved.v1", stays(Set.of(NEEDS_APPROVAL))),
            Map.entry("assent.approval-given.v1", stays(Set.of(NEEDS_APPROVAL))),
            Map.entry("assent.request-approved.v1", moves(Set.of(NEEDS_APPROVAL), APPROVED)),
            Map.entry("assent.request-reopened.v1", moves(Set.of(APPROVED), NEEDS_APPROVAL)),
            Map.entry("assent.approval-lapsed.v1", stays(Set.of(NEEDS_APPROVAL, APPROVED))),
            Map.entry("assent.rejection-given.v1", stays(Set.of(NEEDS_APPROVAL))),
            Map.entry("assent.approval-revoked.v1", moves(Set.of(NEEDS_APPROVAL, APPROVED), NEEDS_APPROVAL)),
            Map.entry("assent.change-released.v1", passes(Set.of(NEEDS_APPROVAL, APPROVED, UNSETTLED), RELEASED)),
            Map.entry("assent.change-claimed.v1", passes(Set.of(RELEASED), APPLYING)),
            Map.entry(RENEWED, stays(Set.of(APPLYING))),
            Map.entry("assent.settlement-proposed.v1", stays(Set.of(UNSETTLED))),
            Map.entry("assent.outcome-unknown.v1", moves(Set.of(APPLYING), UNSETTLED)),
            Map.entry("assent.request-completed.v1", ends(REPORTED, "completed", "reporter")),
            Map.entry("assent.request-failed.v1", ends(REPORTED, "failed", "reporter")),
            Map.entry("assent.request-rejected.v1", ends(Set.of(NEEDS_APPROVAL), "rejected", "approver")),
            Map.entry("assent.request-canceled.v1", ends(Set.of(NEEDS_APPROVAL), "canceled", null)),
            Map.entry("assent.request-closed.v1", ends(UNCLAIMED, "canceled", "closed_by")),
            Map.entry("assent.request-expired.v1", ends(UNCLAIMED, "expired", null)),
            Map.entry("assent.command-repeated.v1", NONE),
            Map.entry("assent.writers-changed.v1", NONE),
            Map.entry("assent.log-time-corrected.v1", NONE),
            Map.entry("assent.finding-reported.v1", NONE),
            Map.entry("assent.finding-closed.v1", NONE));

    /** The rule of a type of event; null if this version does not know it. */
    static EventRule of(String type) {
        return RULES.get(type);
    }

    boolean isOfNoRequest() {
        return this == NONE;
    }

    private static EventRule stays(Set<OpenRequest.State> from) {
        return new EventRule(from, null, null, null, false);
    }

    private static EventRule moves(Set<OpenRequest.State> from, OpenRequest.State into) {
        return new EventRule(from, into, null, null, false);
    }

    private static EventRule passes(Set<OpenRequest.State> from, OpenRequest.State into) {
        return new EventRule(from, into, null, null, true);
    }

    private static EventRule ends(Set<OpenRequest.State> from, String status, String by) {
        return new EventRule(from, null, status, by, false);
    }
}
