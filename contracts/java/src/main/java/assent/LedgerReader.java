package assent;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;

/**
 * Reads partitions of the ledger of requests from their beginnings and returns the records that count. One thread uses
 * it.
 */
public final class LedgerReader implements AutoCloseable {
    private final Log log;
    private final Consumer<byte[], byte[]> consumer;
    private final Map<Integer, Acceptance> rules = new HashMap<>();
    private final Map<Integer, Long> readTo = new HashMap<>();
    private final List<Loss> losses;
    /** What was polled and is not judged yet, because governance could not be read so far. */
    private ConsumerRecords<byte[], byte[]> pending;

    /** Begins to read all partitions, with the configuration of the log. */
    public LedgerReader(Log log) {
        this(log, Offsets.partitionsOf(Topics.LEDGER, log.partitions()));
    }

    /** Begins to read one partition. */
    public LedgerReader(Log log, int partition) {
        this(log, List.of(new TopicPartition(Topics.LEDGER, partition)));
    }

    private LedgerReader(Log log, List<TopicPartition> partitions) {
        this.log = log;
        this.losses = log.losses();
        for (TopicPartition each : partitions) {
            int partition = each.partition();
            if (partition < 0 || partition >= log.partitions()) {
                throw new IllegalArgumentException(
                        "the log has partitions 0 to " + (log.partitions() - 1) + ", not " + partition);
            }
            rules.put(partition, new Acceptance(Acceptance.LEDGER, partition, log.identity(), log.writers()));
            readTo.put(partition, 0L);
        }
        log.offsets().checkBeginnings(Topics.LEDGER, log.partitions());
        this.consumer = log.clients().consumer("none");
        consumer.assign(partitions);
        partitions.forEach(each -> consumer.seek(each, 0));
    }

    /**
     * Waits for records and returns those that came to count, in the order of each partition. There may be none. Throws
     * LogDiffersException if the log was cut, and LossAcceptedException after a loss was accepted.
     */
    public List<AcceptedRecord> poll(Duration timeout) throws InterruptedException {
        Deadline deadline = Deadline.after(timeout);
        if (pending == null) {
            pending = Log.poll(consumer, timeout);
        }
        try {
            know(deadline);
        } catch (TimeoutException later) {
            return List.of();
        }
        ConsumerRecords<byte[], byte[]> records = pending;
        pending = null;
        return log.locked(() -> judged(records));
    }

    private List<AcceptedRecord> judged(ConsumerRecords<byte[], byte[]> records) {
        if (log.writers().losses().size() != losses.size()) {
            throw new LossAcceptedException();
        }
        List<AcceptedRecord> accepted = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            accepted.addAll(rules.get(record.partition()).offer(record.offset(), record.value(), record.headers()));
        }
        readTo.putAll(Log.nextOffsets(records));
        return accepted;
    }

    /** Returns when governance is known as far as sealed records name it, or as far as it goes. */
    private void know(Deadline deadline) throws InterruptedException, TimeoutException {
        long known = log.governance();
        for (ConsumerRecord<byte[], byte[]> record : pending) {
            boolean canBeSealed = record.value() != null && record.value().length <= LedgerRecord.MAX_BYTES
                    && record.headers().lastHeader(Signatures.HEADER_SEAL) != null;
            LedgerRecord named = canBeSealed ? LedgerRecord.read(record.value()) : null;
            if (named != null && named.governance() > known) {
                // The records have been read already, so one look at the end of governance is enough for all.
                log.catchUp(deadline);
                return;
            }
        }
    }

    /** The offset up to which a partition was read. */
    long readTo(int partition) {
        return readTo.get(partition);
    }

    /** Where the accepted chain of each partition ends. */
    Map<Integer, Head> heads() {
        Map<Integer, Head> heads = new HashMap<>();
        rules.forEach((partition, rule) -> heads.put(partition, rule.head()));
        return heads;
    }

    /** The losses that were accepted when reading began. */
    List<Loss> losses() {
        return losses;
    }

    /** The era in which reading began: heads are remembered with it. */
    String era() {
        return losses.isEmpty() ? Loss.FIRST_ERA : losses.get(losses.size() - 1).era();
    }

    @Override
    public void close() {
        consumer.close();
    }

    /** Reads the accepted record seq of a partition, through the acceptance rule from its beginning. */
    static AcceptedRecord find(Log log, int partition, long seq, Deadline deadline)
            throws InterruptedException, TimeoutException {
        try (LedgerReader reader = log.retrying(deadline, () -> new LedgerReader(log, partition))) {
            while (!deadline.isOver()) {
                for (AcceptedRecord accepted : reader.poll(shortest(deadline))) {
                    if (accepted.seq() == seq) {
                        return accepted;
                    }
                }
            }
        }
        throw new TimeoutException("record " + seq + " of partition " + partition + " was not read in time");
    }

    /** A time to poll for, after which the deadline is looked at. */
    static Duration shortest(Deadline deadline) {
        Duration left = deadline.left();
        Duration most = Duration.ofMillis(250);
        return left.compareTo(most) < 0 ? left : most;
    }
}
