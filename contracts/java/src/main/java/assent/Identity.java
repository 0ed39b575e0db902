package assent;

import java.util.HexFormat;

/**
 * A log's identity: the SHA-256 of record 0 of its governance.
 *
 * @param hex 64 lower-case hex digits, as {@code assent env} prints them
 */
public record Identity(String hex) {
    /** Throws IllegalArgumentException for another text. */
    public Identity {
        if (!hex.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException(
                    "\"" + hex + "\" is not a log's identity: 64 hex digits, as `assent env` prints them");
        }
    }

    byte[] bytes() {
        return HexFormat.of().parseHex(hex);
    }

    @Override
    public String toString() {
        return hex;
    }
}
