package assent;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Topics in this process, behind Kafka's own mock clients. Everything is guarded by this. */
final class FakeKafka implements KafkaClients {
    private final Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> topics = new HashMap<>();
    private Consumer<ConsumerRecord<byte[], byte[]>> onProduced = record -> { };
    private boolean isAway;
    private volatile boolean isBlocking;

    /** Is called with each record that a producer sends, before it is acknowledged. */
    synchronized void onProduced(Consumer<ConsumerRecord<byte[], byte[]>> called) {
        onProduced = called;
    }

    /** While Kafka is away, every call of a producer fails as one that may be tried again. */
    synchronized void setAway(boolean away) {
        isAway = away;
    }

    /** As Kafka's producer does while it knows no broker: it blocks the thread that sends. */
    void setBlocking(boolean blocking) {
        isBlocking = blocking;
    }

    private void block() {
        while (isBlocking) {
            try {
                Thread.sleep(20);
            } catch (InterruptedException stopped) {
                throw new org.apache.kafka.common.errors.InterruptException(stopped);
            }
        }
    }

    synchronized ConsumerRecord<byte[], byte[]> append(
            String topic, int partition, byte[] key, byte[] value, Iterable<Header> headers) {
        List<ConsumerRecord<byte[], byte[]>> records = recordsOf(new TopicPartition(topic, partition));
        ConsumerRecord<byte[], byte[]> record = new ConsumerRecord<>(
                topic, partition, records.size(), System.currentTimeMillis(), TimestampType.LOG_APPEND_TIME, -1, -1,
                key, value, new RecordHeaders(headers), Optional.empty());
        records.add(record);
        notifyAll();
        return record;
    }

    synchronized List<ConsumerRecord<byte[], byte[]>> recordsOf(TopicPartition partition) {
        return topics.computeIfAbsent(partition, name -> new ArrayList<>());
    }

    private synchronized RecordMetadata produce(ProducerRecord<byte[], byte[]> sent) {
        if (isAway) {
            throw new DisconnectException("Kafka is away");
        }
        ConsumerRecord<byte[], byte[]> record =
                append(sent.topic(), sent.partition(), sent.key(), sent.value(), sent.headers());
        onProduced.accept(record);
        return new RecordMetadata(
                new TopicPartition(sent.topic(), sent.partition()), record.offset(), 0, record.timestamp(), 0, 0);
    }

    @Override
    public org.apache.kafka.clients.producer.Producer<byte[], byte[]> producer() {
        return new MockProducer<>(
                true, new RoundRobinPartitioner(), new ByteArraySerializer(), new ByteArraySerializer()) {
            @Override
            public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record) {
                block();
                try {
                    return CompletableFuture.completedFuture(produce(record));
                } catch (DisconnectException away) {
                    return CompletableFuture.failedFuture(away);
                }
            }
        };
    }

    @Override
    public org.apache.kafka.clients.consumer.Consumer<byte[], byte[]> consumer(String reset) {
        return new TopicConsumer(reset);
    }

    private final class TopicConsumer extends MockConsumer<byte[], byte[]> {
        private final Map<TopicPartition, Integer> given = new HashMap<>();

        TopicConsumer(String reset) {
            super(reset);
        }

        @Override
        public synchronized void assign(Collection<TopicPartition> partitions) {
            super.assign(partitions);
            Map<TopicPartition, Long> beginnings = new HashMap<>();
            partitions.forEach(each -> beginnings.put(each, 0L));
            updateBeginningOffsets(beginnings);
        }

        /** Waits for a record as a broker would let it wait. */
        @Override
        public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
            synchronized (FakeKafka.this) {
                if (!giveNew()) {
                    try {
                        FakeKafka.this.wait(Math.max(1, timeout.toMillis()));
                    } catch (InterruptedException stopped) {
                        throw new org.apache.kafka.common.errors.InterruptException(stopped);
                    }
                    giveNew();
                }
                return super.poll(Duration.ZERO);
            }
        }

        private boolean giveNew() {
            boolean isNew = false;
            for (TopicPartition partition : assignment()) {
                List<ConsumerRecord<byte[], byte[]>> records = recordsOf(partition);
                for (int next = given.getOrDefault(partition, 0); next < records.size(); next++) {
                    addRecord(records.get(next));
                    isNew = true;
                }
                given.put(partition, records.size());
            }
            return isNew;
        }

        @Override
        public Map<TopicPartition, Long> endOffsets(Collection<TopicPartition> partitions, Duration timeout) {
            Map<TopicPartition, Long> ends = new HashMap<>();
            synchronized (FakeKafka.this) {
                partitions.forEach(each -> ends.put(each, (long) recordsOf(each).size()));
            }
            return ends;
        }

        @Override
        public Map<TopicPartition, Long> beginningOffsets(Collection<TopicPartition> partitions, Duration timeout) {
            Map<TopicPartition, Long> beginnings = new HashMap<>();
            partitions.forEach(each -> beginnings.put(each, 0L));
            return beginnings;
        }
    }
}
