package assent;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Makes the Kafka clients of a log. */
interface KafkaClients {
    /** A consumer without a group. `reset` is what it does where its offset is not there: `none` or `earliest`. */
    Consumer<byte[], byte[]> consumer(String reset);

    Producer<byte[], byte[]> producer();

    /** Clients of the brokers that a configuration names. */
    static KafkaClients of(Config config) {
        return new KafkaClients() {
            @Override
            public Consumer<byte[], byte[]> consumer(String reset) {
                Map<String, Object> properties = new HashMap<>(config.properties());
                properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, config.brokers());
                properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, reset);
                properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
                properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
                properties.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 500);
                properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 5_000);
                return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            }

            @Override
            public Producer<byte[], byte[]> producer() {
                Map<String, Object> properties = new HashMap<>(config.properties());
                properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.brokers());
                properties.put(ProducerConfig.ACKS_CONFIG, "all");
                properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
                // The topics store what is written to them uncompressed.
                properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "none");
                properties.put(ProducerConfig.LINGER_MS_CONFIG, 0);
                properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 10_000);
                properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 10_000);
                properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 20_000);
                return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
            }
        };
    }
}
