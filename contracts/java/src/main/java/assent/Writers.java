package assent;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The writers' keys that governance lists: each from one seq on, some until another. */
final class Writers {
    /** The id under which the recovery key seals. No writer has it. */
    static final String RECOVERY = "recovery";

    private static final String LOG_FOUNDED = "assent.log-founded.v1";
    private static final String WRITER_ADDED = "assent.writer-added.v1";
    private static final String WRITER_RETIRED = "assent.writer-retired.v1";
    private static final String LOSS_ACCEPTED = "assent.loss-accepted.v1";

    /**
     * The events of governance that this version knows. An unknown one could change who may seal, so a reader stops
     * there.
     */
    private static final Set<String> KNOWN = Arrays.stream("""
            log-founded principal-registered principal-enabled principal-disabled operator-set
            key-registered key-expires key-revoked keys-revoked writer-added writer-retired loss-accepted
            group-defined group-deleted role-assigned role-withdrawn settings-changed policy-created policy-edited
            policy-deleted directory-synced time-corrected founding-closed release-carried-out release-refused
            command-repeated""".split("\\s+")).map(name -> "assent." + name + ".v1").collect(Collectors.toSet());

    /** until is -1 while the writer is listed. */
    private record Listed(byte[] publicKey, long since, long until) {}

    private record Named(String id, byte[] publicKey) {}

    private final Map<String, Listed> listed = new HashMap<>();
    private byte[] recovery;
    private List<Loss> losses = List.of();
    private int partitions;
    private long head = -1;

    /** The losses that were accepted, the oldest first. */
    List<Loss> losses() {
        return losses;
    }

    /** How many partitions of requests the log was founded with; 0 before record 0. */
    int partitions() {
        return partitions;
    }

    /** The last governance seq that was applied. */
    long head() {
        return head;
    }

    /** Moves past the next accepted record. Throws UnreadableLedgerException. */
    void apply(LedgerRecord record) {
        List<Event> events = record.readEvents();
        if (events == null) {
            throw new UnreadableLedgerException("record " + record.seq() + " of governance cannot be read");
        }
        for (Event event : events) {
            if (!KNOWN.contains(event.type())) {
                throw new UnreadableLedgerException("record " + record.seq()
                        + " of governance has the unknown event \"" + event.type() + "\"");
            }
            if (!applyEvent(record.seq(), event)) {
                throw new UnreadableLedgerException(
                        "the event " + event.type() + " of record " + record.seq() + " of governance cannot be read");
            }
        }
        head = record.seq();
    }

    private boolean applyEvent(long seq, Event event) {
        switch (event.type()) {
            case LOG_FOUNDED:
                // Record 0 alone founds: another one, which a stolen key could seal, changes nothing.
                return seq != 0 || found(event);
            case WRITER_ADDED:
                Named writer = readWriter(event);
                if (writer == null) {
                    return false;
                }
                listed.putIfAbsent(writer.id(), new Listed(writer.publicKey(), seq, -1));
                return true;
            case WRITER_RETIRED:
                String id = event.members().text("writer");
                if (id == null) {
                    return false;
                }
                listed.computeIfPresent(id, (key, now) ->
                        now.until() < 0 ? new Listed(now.publicKey(), now.since(), seq) : now);
                return true;
            case LOSS_ACCEPTED:
                Loss loss = Loss.read(event);
                if (loss == null) {
                    return false;
                }
                List<Loss> all = new ArrayList<>(losses);
                all.add(loss);
                losses = List.copyOf(all);
                return true;
            default:
                return true;
        }
    }

    private boolean found(Event event) {
        JsonObject founding = event.members().object("founding");
        JsonObject named = founding == null ? null : founding.object("writers");
        Long count = founding == null ? null : founding.integer("partitions");
        if (named == null || count == null || count < 1 || count > Integer.MAX_VALUE) {
            return false;
        }
        byte[] key = Encodings.fromBase64Url(founding.textOr("recovery"));
        if (key == null) {
            return false;
        }
        recovery = key;
        partitions = count.intValue();
        for (JsonObject.Member member : named.members()) {
            String text = JsonObject.readText(member.value());
            byte[] publicKey = text == null ? null : Encodings.fromBase64Url(text);
            if (publicKey == null) {
                return false;
            }
            listed.put(member.name(), new Listed(publicKey, 0, -1));
        }
        return true;
    }

    private static Named readWriter(Event event) {
        JsonObject writer = event.members().object("writer");
        String id = writer == null ? null : writer.text("id");
        String text = writer == null ? null : writer.text("public_key");
        byte[] key = text == null ? null : Encodings.fromBase64Url(text);
        return id == null || key == null ? null : new Named(id, key);
    }

    /** The key of a writer at a governance seq, or null if it is not listed there. */
    byte[] publicKey(String id, long governance) {
        Listed found = listed.get(id);
        if (found == null || governance < found.since() || governance > head) {
            return null;
        }
        return found.until() >= 0 && governance >= found.until() ? null : found.publicKey();
    }

    /**
     * The key whose seal under an id makes a run of governance count, or null. `at` is the seq of the accepted record
     * that the run follows.
     *
     * <p>A writer's seal counts up to the record that retires it, and on no run that accepts a loss. The recovery key
     * seals a run of one record that adds or retires writers, or accepts one loss, and nothing else.
     */
    byte[] governanceSealer(String id, long at, List<AcceptedRecord> run) {
        if (id.equals(RECOVERY)) {
            return run.size() == 1 && onlyRecovers(run.get(0).record()) ? recovery : null;
        }
        for (int index = 0; index < run.size(); index++) {
            LedgerRecord record = run.get(index).record();
            boolean isLast = index == run.size() - 1;
            if (hasEvent(record, event -> event.type().equals(LOSS_ACCEPTED))
                    || !isLast && hasEvent(record, event -> retires(event, id))) {
                return null;
            }
        }
        return publicKey(id, at);
    }

    private static boolean retires(Event event, String id) {
        return event.type().equals(WRITER_RETIRED) && id.equals(event.members().text("writer"));
    }

    private static boolean onlyRecovers(LedgerRecord record) {
        List<Event> events = record.readEvents();
        if (events == null || record.refusal() != null || events.isEmpty()) {
            return false;
        }
        for (Event event : events) {
            boolean recovers = switch (event.type()) {
                case WRITER_ADDED -> readWriter(event) != null;
                case WRITER_RETIRED -> event.members().text("writer") != null;
                case LOSS_ACCEPTED -> Loss.read(event) != null && events.size() == 1;
                default -> false;
            };
            if (!recovers) {
                return false;
            }
        }
        return true;
    }

    /** Whether one of a record's events is such a one. What cannot be read could be anything. */
    private static boolean hasEvent(LedgerRecord record, Predicate<Event> isSuch) {
        List<Event> events = record.readEvents();
        return events == null || events.stream().anyMatch(isSuch);
    }
}
