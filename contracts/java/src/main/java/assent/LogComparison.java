package assent;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;

/** Compares a log with what a journal knows of it. */
final class LogComparison {
    private LogComparison() {}

    /**
     * Throws LogDiffersException where the ledger ends before what was read, or has another record there: its request
     * ids would name other requests than before. After an accepted loss, the end that the loss names for a partition
     * replaces what was known.
     */
    static void check(Log log, Map<Integer, KeptHead> kept, Deadline deadline)
            throws InterruptedException, TimeoutException {
        Map<Integer, Long> ends =
                log.retrying(deadline, () -> log.offsets().ends(Topics.LEDGER, log.partitions(), deadline));
        List<Loss> losses = log.losses();
        for (Map.Entry<Integer, KeptHead> each : kept.entrySet()) {
            int partition = each.getKey();
            long nextOffset = each.getValue().head().nextOffset();
            String sha256 = each.getValue().head().sha256();
            if (!Loss.since(each.getValue().era(), losses).isEmpty()) {
                Loss.End end = losses.get(losses.size() - 1).end(Acceptance.LEDGER, partition);
                nextOffset = end == null ? 0 : end.nextOffset();
                sha256 = end == null ? "" : end.sha256();
            }
            if (nextOffset == 0) {
                continue;
            }
            String where = Topics.LEDGER + "/" + partition;
            if (ends.getOrDefault(partition, 0L) < nextOffset) {
                throw new LogDiffersException(where + " ends before offset " + nextOffset + ", up to which it was read");
            }
            if (!sha256.equals(hashBefore(log, partition, nextOffset, deadline))) {
                throw new LogDiffersException(
                        where + " has another record before offset " + nextOffset + " than it had");
            }
        }
    }

    /** The SHA-256 of the record that ends before an offset which the ledger has; empty if there is none. */
    private static String hashBefore(Log log, int partition, long offset, Deadline deadline)
            throws TimeoutException {
        TopicPartition of = new TopicPartition(Topics.LEDGER, partition);
        try (Consumer<byte[], byte[]> consumer = log.clients().consumer("none")) {
            consumer.assign(List.of(of));
            consumer.seek(of, offset - 1);
            while (!deadline.isOver()) {
                ConsumerRecords<byte[], byte[]> records = Log.poll(consumer, LedgerReader.shortest(deadline));
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    boolean isIt = record.offset() == offset - 1 && record.value() != null;
                    return isIt ? Encodings.sha256Hex(record.value()) : "";
                }
                if (!records.nextOffsets().isEmpty()) {
                    return "";
                }
            }
        }
        throw new TimeoutException("the record before offset " + offset + " was not read in time");
    }
}
