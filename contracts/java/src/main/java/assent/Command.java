package assent;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;

/**
 * A command with the exact bytes that are signed, sent and, to ask again, sent once more.
 *
 * @param at when it was made, ms
 */
public record Command(String type, String id, long at, String resource, byte[] value) {
    static final String SUBMIT = "assent.submit-change.v1";
    static final String APPROVE = "assent.approve.v1";
    static final String REJECT = "assent.reject.v1";
    static final String REVOKE = "assent.revoke.v1";
    static final String CANCEL = "assent.cancel.v1";
    static final String COMPLETE = "assent.complete.v1";
    static final String CLOSE = "assent.close-request.v1";
    static final String SETTLE = "assent.settle.v1";
    static final String RENEW = "assent.renew-lease.v1";
    static final String CONFIRM_SET = "assent.confirm-set.v1";
    static final String CLAIM = "assent.claim.v1";
    static final String REPORT = "assent.report-outcome.v1";
    static final String REPORT_FINDING = "assent.report-finding.v1";
    static final String CLOSE_FINDING = "assent.close-finding.v1";
    /** Every command that this version knows. */
    static final Set<String> TYPES =
            Set.of(SUBMIT, APPROVE, REJECT, REVOKE, CANCEL, COMPLETE, CLOSE, SETTLE, CLAIM, RENEW, REPORT,
                    REPORT_FINDING, CLOSE_FINDING, CONFIRM_SET);

    private static final SecureRandom RANDOM = new SecureRandom();

    /**
     * The command that submits a change. Throws RefusedException for what a decider would refuse for its form, and
     * IllegalArgumentException for text that no UTF-8 has.
     */
    public static Command submit(String principal, Submission submission) {
        String id = submission.id() == null ? newId() : submission.id();
        JsonWriter members = begin(SUBMIT, id, principal, submission.resource())
                .text("operation", submission.operation())
                .text("justification", submission.justification())
                .raw("payload", submission.payload());
        if (submission.onBehalfOf() != null) {
            members.text("on_behalf_of", submission.onBehalfOf());
        }
        submission.details().addTo(members);
        byte[] value = members.done();
        Submitted.read(value);
        return read(value);
    }

    /**
     * The command that approves a request. `submission` is the SHA-256, in hex, of the submission's bytes: compute it
     * from the very bytes that the approver was shown.
     */
    public static Command approve(String principal, String resource, String request, String submission, String note) {
        return ofRequest(APPROVE, principal, resource, request,
                members -> members.text("submission", submission).text("note", note));
    }

    /** The command that rejects a request. `submission` is as for approve. */
    public static Command reject(String principal, String resource, String request, String submission, String note) {
        return ofRequest(REJECT, principal, resource, request,
                members -> members.text("submission", submission).text("note", note));
    }

    /** The command by which the requester releases an approved change. `submission` is as for approve. */
    public static Command complete(String principal, String resource, String request, String submission) {
        return ofRequest(COMPLETE, principal, resource, request, members -> members.text("submission", submission));
    }

    /** The command by which an approver takes an approval back. */
    public static Command revoke(String principal, String resource, String request, String note) {
        return ofRequest(REVOKE, principal, resource, request, members -> members.text("note", note));
    }

    /** The command by which a requester withdraws a request. */
    public static Command cancel(String principal, String resource, String request) {
        return ofRequest(CANCEL, principal, resource, request, members -> members);
    }

    /** The command by which an administrator of the type ends an open request, with a reason (R22). */
    public static Command close(String principal, String resource, String request, String reason) {
        return ofRequest(CLOSE, principal, resource, request, members -> members.text("reason", reason));
    }

    /**
     * The command by which an administrator of the type settles an unknown outcome: `outcome` is succeeded, failed or
     * retry, which releases the change again. `claim` is the number of the claim that it is about.
     */
    public static Command settle(
            String principal, String resource, String request, String outcome, String reason, long claim) {
        return ofRequest(SETTLE, principal, resource, request,
                members -> members.text("outcome", outcome).text("reason", reason).integer("claim", claim));
    }

    static Command renew(String principal, Change change, long claim) {
        return ofRequest(RENEW, principal, change.resource(), change.request(), members -> members.integer("claim", claim));
    }

    static Command claim(String principal, Change change) {
        return ofRequest(CLAIM, principal, change.resource(), change.request(), members -> members);
    }

    /** The command that reports an outcome. `claim` is the number of the claim, without which it counts for any. */
    static Command report(String principal, Change change, Outcome outcome, long claim) {
        return ofRequest(REPORT, principal, change.resource(), change.request(), members -> {
            members.text("outcome", outcome.result().toString()).text("message", outcome.message())
                    .integer("claim", claim);
            return outcome.version().isEmpty() ? members : members.text("version", outcome.version());
        });
    }

    /**
     * A command from its exact bytes, as they were kept to be sent again. Throws IllegalArgumentException for other
     * bytes.
     */
    public static Command read(byte[] value) {
        try {
            JsonObject members = JsonObject.read(value);
            String type = members.text("type");
            String id = members.text("id");
            Long at = members.integer("at");
            String resource = members.text("resource");
            if (type == null || id == null || at == null || resource == null) {
                throw new IllegalArgumentException(
                        "these bytes are not a command: type, id, at or resource is missing");
            }
            return new Command(type, id, at, resource, value);
        } catch (NotJsonException notJson) {
            throw new IllegalArgumentException("these bytes are not a command", notJson);
        }
    }

    private interface Members {
        JsonWriter addTo(JsonWriter members);
    }

    private static Command ofRequest(
            String type, String principal, String resource, String request, Members more) {
        JsonWriter members = begin(type, newId(), principal, resource).text("request", request);
        return read(more.addTo(members).done());
    }

    private static JsonWriter begin(String type, String id, String principal, String resource) {
        return new JsonWriter().text("type", type).text("id", id).text("principal", principal)
                .integer("at", System.currentTimeMillis()).text("resource", resource);
    }

    private static String newId() {
        byte[] random = new byte[16];
        RANDOM.nextBytes(random);
        return HexFormat.of().formatHex(random);
    }
}
