package assent;

/**
 * A well-formed command as the ledger embeds it.
 *
 * @param value the bytes as they were received
 * @param key the id of the key that signed it
 * @param signature base64url
 */
public record RecordedCommand(byte[] value, String key, String signature) {}
