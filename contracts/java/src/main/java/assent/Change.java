package assent;

import java.nio.charset.StandardCharsets;

/**
 * A released change: what a handler is to apply.
 *
 * @param resource the object, {@code <type>/<id>}
 * @param onBehalfOf the person on whose behalf a service submitted it, or empty
 * @param digest SHA-256 of payload, hex
 * @param submission SHA-256 of the submission's bytes, hex
 * @param released the ledger seq of the release
 * @param at log time of the release, ms
 * @param payload JSON, byte for byte as it was approved
 * @param base the version of the object from which it was made, or empty
 * @param raw the whole record, as it was read
 */
public record Change(
        String request, String resource, String operation, String requester, String onBehalfOf, String justification,
        String digest, String submission, long released, long at, byte[] payload, String base,
        byte[] raw) {
    private static final String TYPE = "assent.change.v1";

    /** The type of the object. */
    public String type() {
        return resource.substring(0, Math.max(resource.indexOf('/'), 0));
    }

    /**
     * The idempotency key of this release in a log: 64 hex digits, the same on every try and different for any other.
     * The time is in it because a log that was put back can release the same submission again at the same place.
     */
    String idempotencyKey(Identity identity) {
        String named = String.join(" ",
                identity.hex(), request, submission, Long.toString(released), Long.toString(at));
        return Encodings.sha256Hex(("assent.idempotency.v1\0" + named).getBytes(StandardCharsets.UTF_8));
    }

    /** The same change as another release of its request. */
    Change releasedAt(OpenRequest.ReleasedAt other) {
        return new Change(
                request, resource, operation, requester, onBehalfOf, justification, digest, submission, other.seq(),
                other.at(), payload, base, raw);
    }

    /**
     * Reads a value of assent.changes. Throws IllegalArgumentException for what is not one, or what two readers could
     * take for different changes.
     */
    static Change read(byte[] value) {
        JsonObject members = membersOf(value);
        Long released = members.integer("released");
        Long at = members.integer("at");
        byte[] payload = members.raw("payload");
        if (released == null || at == null || payload == null) {
            throw new IllegalArgumentException("it is not a change: released, at or payload is missing");
        }
        // An empty one would look as if it were not there.
        if (members.has("on_behalf_of") && members.textOr("on_behalf_of").isEmpty()) {
            throw new IllegalArgumentException("it is not a change: on_behalf_of is not an account");
        }
        if (members.has("base") && members.textOr("base").isEmpty()) {
            throw new IllegalArgumentException("it is not a change: base is not a version");
        }
        return new Change(
                required(members, "request"), required(members, "resource"), required(members, "operation"),
                required(members, "requester"), members.textOr("on_behalf_of"), required(members, "justification"),
                required(members, "digest"), required(members, "submission"), released, at, payload,
                members.textOr("base"), value);
    }

    private static JsonObject membersOf(byte[] value) {
        if (value == null) {
            throw new IllegalArgumentException("it is not a change: it has no value");
        }
        JsonObject members;
        try {
            members = JsonObject.read(value);
        } catch (NotJsonException notJson) {
            throw new IllegalArgumentException("it is not a change: it is not one JSON object", notJson);
        }
        if (members.repeatedName() != null) {
            throw new IllegalArgumentException("it is not a change: a name comes twice");
        }
        if (!members.textOr("type").equals(TYPE)) {
            throw new IllegalArgumentException("it is not a change: it has another type");
        }
        return members;
    }

    private static String required(JsonObject members, String name) {
        String text = members.text(name);
        if (text == null) {
            throw new IllegalArgumentException("it is not a change: " + name + " is missing, or is not a text");
        }
        return text;
    }
}
