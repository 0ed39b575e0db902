package assent;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The value of a ledger record. The parts that not every reader needs stay as they were received.
 *
 * @param seq 0, 1, 2 … in its partition
 * @param prev the SHA-256 of the record before, hex
 * @param epoch the writer's term
 * @param input the offset of the command, or -1 for what the writer did by itself
 * @param received when the broker appended the command, ms; -1 when input is
 * @param at log time, ms
 * @param governance the governance seq that the decision used, or -1
 * @param command JSON, or null
 * @param events JSON, or null
 * @param refusal JSON, or null
 */
public record LedgerRecord(
        long seq, String prev, long epoch, long input, long received, long at, long governance, byte[] command,
        byte[] events, byte[] refusal) {
    static final int MAX_BYTES = 1 << 20;

    /** Reads a record's value, which anyone may have sent; null if it is not one. */
    static LedgerRecord read(byte[] value) {
        JsonObject members;
        try {
            members = JsonObject.read(value);
        } catch (NotJsonException notARecord) {
            return null;
        }
        Long seq = members.integer("seq");
        String prev = members.text("prev");
        Long epoch = members.integer("epoch");
        Long at = members.integer("at");
        Long input = optional(members, "input");
        Long received = optional(members, "received");
        Long governance = optional(members, "governance");
        if (seq == null || prev == null || epoch == null || at == null || input == null || received == null
                || governance == null) {
            return null;
        }
        return new LedgerRecord(
                seq, prev, epoch, input, received, at, governance, members.raw("command"), members.raw("events"),
                members.raw("refusal"));
    }

    /** -1 where it is absent, null where it is not an integer. */
    private static Long optional(JsonObject members, String name) {
        return members.has(name) ? members.integer(name) : Long.valueOf(-1);
    }

    /**
     * The command that led to this record. There is none for what the writer did by itself, and for bytes of which
     * the ledger keeps the hash only.
     */
    public Optional<RecordedCommand> recordedCommand() {
        if (command == null) {
            return Optional.empty();
        }
        try {
            JsonObject members = JsonObject.read(command);
            byte[] value = members.raw("value");
            String key = members.text("key");
            String signature = members.text("signature");
            if (value == null || key == null || signature == null) {
                return Optional.empty();
            }
            return Optional.of(new RecordedCommand(value, key, signature));
        } catch (NotJsonException none) {
            return Optional.empty();
        }
    }

    /** The members of the command in it; none if it has none. */
    JsonObject commandMembers() {
        Optional<RecordedCommand> recorded = recordedCommand();
        try {
            return recorded.isEmpty() ? JsonObject.empty() : JsonObject.read(recorded.get().value());
        } catch (NotJsonException none) {
            return JsonObject.empty();
        }
    }

    /** The events, none when it is a refusal; null if they cannot be read. */
    List<Event> readEvents() {
        List<Event> found = new ArrayList<>();
        if (events == null) {
            return found;
        }
        try {
            for (byte[] raw : JsonObject.readArray(events)) {
                JsonObject members = JsonObject.read(raw);
                String type = members.text("type");
                if (type == null) {
                    return null;
                }
                found.add(new Event(type, raw, members));
            }
            return found;
        } catch (NotJsonException unreadable) {
            return null;
        }
    }

    /** The refusal, if it is one; else null. */
    Refusal readRefusal() {
        return refusal == null ? null : Refusal.read(refusal);
    }
}
