package assent;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.HexFormat;

/** What signatures cover, and how they are made and verified (Ed25519). */
final class Signatures {
    static final String HEADER_KEY = "assent-key";
    static final String HEADER_SIGNATURE = "assent-signature";
    static final String HEADER_WRITER = "assent-writer";
    static final String HEADER_SEAL = "assent-seal";

    private static final String ED25519 = "Ed25519";
    private static final int KEY_BYTES = 32;
    private static final int SIGNATURE_BYTES = 64;
    /** What stands before the 32 bytes of a public key in the form that Java reads (RFC 8410). */
    private static final byte[] KEY_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

    private Signatures() {}

    static byte[] commandMessage(Identity identity, byte[] value) {
        return concat(ascii("assent.command.v1\0"), identity.bytes(), Encodings.sha256(value));
    }

    static byte[] headMessage(Identity identity, byte[] value) {
        return concat(ascii("assent.head.v1\0"), identity.bytes(), Encodings.sha256(value));
    }

    /** The message of a seal. `ledger` is `ledger` or `governance`; `sha256` is of the record's value. */
    static byte[] sealMessage(
            Identity identity, String ledger, int partition, long seq, byte[] sha256, String era) {
        byte[] place = ByteBuffer.allocate(12).putInt(partition).putLong(seq).array();
        return concat(
                ascii("assent.seal.v1\0"), identity.bytes(), ascii(ledger), new byte[1], place, sha256,
                era.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] sign(PrivateKey key, byte[] message) {
        try {
            Signature signature = Signature.getInstance(ED25519);
            signature.initSign(key);
            signature.update(message);
            return signature.sign();
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError("every Java 17 has Ed25519", impossible);
        }
    }

    /** Whether a signature is this public key's over the message. */
    static boolean verify(byte[] publicKey, byte[] message, byte[] signature) {
        if (publicKey == null || publicKey.length != KEY_BYTES || signature == null
                || signature.length != SIGNATURE_BYTES) {
            return false;
        }
        try {
            PublicKey key = KeyFactory.getInstance(ED25519)
                    .generatePublic(new X509EncodedKeySpec(concat(KEY_PREFIX, publicKey)));
            Signature verifier = Signature.getInstance(ED25519);
            verifier.initVerify(key);
            verifier.update(message);
            return verifier.verify(signature);
        } catch (GeneralSecurityException notAKeyOrSignature) {
            return false;
        }
    }

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
