package assent;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The payload of a set (R29), which lists its members. */
final class SetMembers {
    /** How many members a set has at most. */
    static final int MOST = 1_000;

    private static final Set<String> FIELDS = Set.of("resource", "operation", "digest", "base");

    private SetMembers() {}

    /** What the payload of a set lists; nothing if it is not a list of members. */
    static List<MemberKey> of(Submitted set) {
        try {
            JsonObject payload = JsonObject.read(set.payload());
            List<byte[]> entries = payload.array("members");
            if (entries == null || payload.members().size() != 1 || entries.size() > MOST) {
                return List.of();
            }
            List<MemberKey> keys = new ArrayList<>();
            for (byte[] entry : entries) {
                MemberKey key = key(set, JsonObject.read(entry));
                if (key == null) {
                    return List.of();
                }
                keys.add(key);
            }
            return List.copyOf(keys);
        } catch (NotJsonException notMembers) {
            return List.of();
        }
    }

    private static MemberKey key(Submitted set, JsonObject entry) {
        String resource = entry.text("resource");
        String operation = entry.text("operation");
        String digest = entry.text("digest");
        boolean isKnown = entry.repeatedName() == null
                && entry.members().stream().allMatch(each -> FIELDS.contains(each.name()));
        boolean hasBase = entry.text("base") != null || !entry.has("base");
        return resource == null || operation == null || digest == null || !isKnown || !hasBase
                ? null
                : MemberKey.listed(set, resource, operation, digest, entry.textOr("base"));
    }

    /** The payload of a set of these changes. Throws IllegalArgumentException for none or too many. */
    static byte[] payload(List<SetChange> changes) {
        if (changes.isEmpty() || changes.size() > MOST) {
            throw new IllegalArgumentException("a set has 1 to " + MOST + " changes, not " + changes.size());
        }
        List<byte[]> members = changes.stream().map(SetMembers::entry).toList();
        return new JsonWriter().raw("members", JsonWriter.array(members)).done();
    }

    private static byte[] entry(SetChange change) {
        JsonWriter members = new JsonWriter().text("resource", change.resource())
                .text("operation", change.operation()).text("digest", Encodings.sha256Hex(change.payload()));
        if (!change.base().isEmpty()) {
            members.text("base", change.base());
        }
        return members.done();
    }
}
