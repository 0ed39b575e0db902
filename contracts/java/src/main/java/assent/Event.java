package assent;

/** One event of a record: what the decision made true. */
public final class Event {
    private final String type;
    private final byte[] raw;
    private final JsonObject members;

    Event(String type, byte[] raw, JsonObject members) {
        this.type = type;
        this.raw = raw;
        this.members = members;
    }

    /** For example {@code assent.change-submitted.v1}. */
    public String type() {
        return type;
    }

    /** The event as JSON, byte for byte. */
    public byte[] raw() {
        return raw.clone();
    }

    /** A member that is a string; empty if there is none. */
    public String text(String name) {
        return members.textOr(name);
    }

    JsonObject members() {
        return members;
    }

    @Override
    public String toString() {
        return type;
    }
}
