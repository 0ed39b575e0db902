package assent;

import java.nio.charset.StandardCharsets;

/**
 * A change to one object of a set.
 *
 * @param resource the object, {@code <type>/<id>}
 * @param payload any JSON value in UTF-8; its bytes are kept as they are
 * @param base the version of the object from which it was made, or empty
 */
public record SetChange(String resource, String operation, byte[] payload, String base) {
    /** A change made from no named version. `payload` is any JSON value. */
    public SetChange(String resource, String operation, String payload) {
        this(resource, operation, payload.getBytes(StandardCharsets.UTF_8), "");
    }
}
