package assent;

import java.nio.charset.StandardCharsets;

/**
 * A change to ask for.
 *
 * @param resource the object, {@code <type>/<id>}
 * @param operation what to do with it, for example {@code edit}
 * @param justification why; shown to approvers
 * @param payload any JSON value in UTF-8; its bytes are kept as they are
 * @param onBehalfOf the account of the person on whose behalf a service submits, or null; only a service names one
 * @param details what else it states about the change; {@link Details#NONE} if nothing
 * @param id the command's, unique for 24 hours; a new one is made if it is null
 */
public record Submission(
        String resource, String operation, String justification, byte[] payload, String onBehalfOf, Details details,
        String id) {
    /** A submission with a new id, on no one's behalf. `payload` is any JSON value. */
    public Submission(String resource, String operation, String justification, String payload) {
        this(resource, operation, justification, payload.getBytes(StandardCharsets.UTF_8), null, Details.NONE,
                null);
    }

    /** The same, on behalf of a person. */
    public Submission onBehalfOf(String account) {
        return new Submission(resource, operation, justification, payload, account, details, id);
    }

    /** The same, with what else it states about the change. */
    public Submission withDetails(Details stated) {
        return new Submission(resource, operation, justification, payload, onBehalfOf, stated, id);
    }

    /** The same, with an id of yours: a retry of the same submission with the same id is the same request. */
    public Submission withId(String chosen) {
        return new Submission(resource, operation, justification, payload, onBehalfOf, details, chosen);
    }
}
