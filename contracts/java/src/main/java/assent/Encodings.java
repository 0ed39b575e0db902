package assent;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;

/** Digests, and how bytes are written in the protocol. */
final class Encodings {
    private Encodings() {}

    static byte[] sha256(byte[] data) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(data);
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every Java has SHA-256", impossible);
        }
    }

    /** The SHA-256 of data as 64 lower-case hex digits. */
    static String sha256Hex(byte[] data) {
        return HexFormat.of().formatHex(sha256(data));
    }

    /** Base64url without padding. */
    static String toBase64Url(byte[] data) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(data);
    }

    /** The bytes of base64url without padding; null for everything that toBase64Url would not write. */
    static byte[] fromBase64Url(String text) {
        try {
            byte[] data = Base64.getUrlDecoder().decode(text);
            return toBase64Url(data).equals(text) ? data : null;
        } catch (IllegalArgumentException notBase64Url) {
            return null;
        }
    }
}
