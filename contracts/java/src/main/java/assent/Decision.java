package assent;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The ledger's answer to a command.
 *
 * @param at log time, ms
 * @param refusal null if the command was carried out
 * @param repeated whether these bytes had been decided before: then this is that first decision
 */
public record Decision(int partition, long seq, long at, List<Event> events, Refusal refusal, boolean repeated) {
    private static final String COMMAND_REPEATED = "assent.command-repeated.v1";

    static Decision of(AcceptedRecord accepted) {
        LedgerRecord record = accepted.record();
        List<Event> events = record.readEvents();
        // Only a writer can have sealed what cannot be read. It is not to look like a decision without events.
        Refusal refusal = events == null ? Refusal.UNREADABLE : record.readRefusal();
        return new Decision(
                accepted.partition(), record.seq(), record.at(), events == null ? List.of() : List.copyOf(events),
                refusal, false);
    }

    Decision asRepeated() {
        return new Decision(partition, seq, at, events, refusal, true);
    }

    /** The id of the request that a submission opened. */
    public Optional<String> request() {
        boolean opens = events.stream().anyMatch(event -> event.type().equals(EventRule.SUBMITTED));
        return opens ? Optional.of(partition + "-" + seq) : Optional.empty();
    }

    /** The seq of the first decision, if this one is on a command that came before. */
    OptionalLong repeats() {
        for (Event event : events) {
            if (event.type().equals(COMMAND_REPEATED)) {
                Long decided = event.members().integer("decided");
                return decided == null ? OptionalLong.empty() : OptionalLong.of(decided);
            }
        }
        return OptionalLong.empty();
    }
}
