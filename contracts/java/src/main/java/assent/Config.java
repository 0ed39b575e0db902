package assent;

import java.util.Map;

/**
 * How to reach a log.
 *
 * @param brokers host:port, several with commas between them
 * @param identity the log's, as {@code assent env} prints it
 * @param properties of every Kafka client that is made, for TLS and SASL
 */
public record Config(String brokers, Identity identity, Map<String, Object> properties) {
    public Config(String brokers, Identity identity) {
        this(brokers, identity, Map.of());
    }

    /** Brokers and identity from ASSENT_KAFKA and ASSENT_IDENTITY, which {@code assent env} sets. */
    public static Config fromEnvironment() {
        String brokers = System.getenv("ASSENT_KAFKA");
        String identity = System.getenv("ASSENT_IDENTITY");
        if (brokers == null || identity == null) {
            throw new IllegalStateException(
                    "ASSENT_KAFKA or ASSENT_IDENTITY is not set: eval \"$(assent env)\" sets both");
        }
        return new Config(brokers, new Identity(identity));
    }
}
