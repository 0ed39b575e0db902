package assent;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;

/** Asks where topics begin and end, for all threads of a log. */
final class Offsets implements AutoCloseable {
    private static final Duration ASK_AT_MOST = Duration.ofSeconds(10);

    private final Consumer<byte[], byte[]> consumer;

    Offsets(Consumer<byte[], byte[]> consumer) {
        this.consumer = consumer;
    }

    /** The offset after the last record of each of a topic's first partitions. Throws KafkaException. */
    synchronized Map<Integer, Long> ends(String topic, int partitions, Deadline deadline) {
        Duration left = deadline.left();
        Duration most = left.compareTo(ASK_AT_MOST) < 0 ? left : ASK_AT_MOST;
        return byPartition(consumer.endOffsets(partitionsOf(topic, partitions), most));
    }

    /** The offset of the first record of each of a topic's first partitions. Throws KafkaException. */
    synchronized Map<Integer, Long> beginnings(String topic, int partitions) {
        return byPartition(consumer.beginningOffsets(partitionsOf(topic, partitions), ASK_AT_MOST));
    }

    /** Throws LogDiffersException unless a topic that is kept for ever has its first records. */
    void checkBeginnings(String topic, int partitions) {
        beginnings(topic, partitions).forEach((partition, offset) -> {
            if (offset > 0) {
                throw new LogDiffersException(topic + "/" + partition + " begins at offset " + offset + ", not at 0");
            }
        });
    }

    @Override
    public synchronized void close() {
        consumer.close();
    }

    static List<TopicPartition> partitionsOf(String topic, int partitions) {
        List<TopicPartition> all = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            all.add(new TopicPartition(topic, partition));
        }
        return all;
    }

    private static Map<Integer, Long> byPartition(Map<TopicPartition, Long> offsets) {
        Map<Integer, Long> found = new HashMap<>();
        offsets.forEach((partition, offset) -> found.put(partition.partition(), offset));
        return found;
    }
}
