package assent;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;

/** A private key with its id and the principal that it signs for. */
public final class Key {
    private static final int SEED_BYTES = 32;
    private static final int FILE_MAX_BYTES = 4096;

    private final String id;
    private final String principal;
    private final byte[] seed;
    private final KeyPair pair;

    private Key(String id, String principal, byte[] seed) {
        this.id = id;
        this.principal = principal;
        this.seed = seed;
        this.pair = pairOf(seed);
    }

    /** Makes a new random key. It counts once it is registered in governance. */
    public static Key generate(String id, String principal) {
        byte[] seed = new byte[SEED_BYTES];
        new SecureRandom().nextBytes(seed);
        return new Key(id, principal, seed);
    }

    /** The key of a seed of 32 bytes. Throws IllegalArgumentException for another length. */
    public static Key fromSeed(String id, String principal, byte[] seed) {
        if (seed.length != SEED_BYTES) {
            throw new IllegalArgumentException("a seed has 32 bytes, not " + seed.length);
        }
        return new Key(id, principal, seed.clone());
    }

    /** Reads a key file, as the {@code assent} command, the other clients and {@link #save} write it. */
    public static Key load(Path path) throws IOException {
        byte[] content;
        try {
            content = readSmall(path);
        } catch (NoSuchFileException missing) {
            throw new IOException("there is no key file " + path + ": put it back from a copy, or make another with"
                    + " `assent keys new`, which counts once it is registered", missing);
        }
        Key key = parse(content);
        if (key == null) {
            // Not why: that may quote the secret.
            throw new IOException(
                    path + " is not a key file: it holds one JSON object with id, principal and secret");
        }
        return key;
    }

    private static byte[] readSmall(Path path) throws IOException {
        try (var stream = Files.newInputStream(path)) {
            return stream.readNBytes(FILE_MAX_BYTES);
        }
    }

    private static Key parse(byte[] content) {
        try {
            JsonObject object = JsonObject.read(content);
            String id = object.text("id");
            String principal = object.text("principal");
            String secret = object.text("secret");
            if (object.members().size() != 3 || id == null || principal == null || secret == null) {
                return null;
            }
            byte[] seed = Encodings.fromBase64Url(secret);
            return seed == null || seed.length != SEED_BYTES ? null : new Key(id, principal, seed);
        } catch (NotJsonException notAKey) {
            return null;
        }
    }

    /** Writes the key file, readable by its owner only. It does not replace a file that exists. */
    public void save(Path path) throws IOException {
        byte[] content = new JsonWriter()
                .text("id", id).text("principal", principal).text("secret", Encodings.toBase64Url(seed)).done();
        Files.createDirectories(path.toAbsolutePath().getParent(), Durable.OWNER_ONLY_FOLDER);
        Durable.create(path, Signatures.concat(content, new byte[] {'\n'}));
    }

    public String id() {
        return id;
    }

    public String principal() {
        return principal;
    }

    /** The public key in base64url, as governance registers it. */
    public String publicKey() {
        byte[] encoded = pair.getPublic().getEncoded();
        return Encodings.toBase64Url(Arrays.copyOfRange(encoded, encoded.length - SEED_BYTES, encoded.length));
    }

    /**
     * The signature, in base64url, of a command with exactly these bytes as its value. It is good in the log with
     * this identity only.
     */
    public String sign(Identity identity, byte[] value) {
        return Encodings.toBase64Url(signMessage(Signatures.commandMessage(identity, value)));
    }

    byte[] signMessage(byte[] message) {
        return Signatures.sign(pair.getPrivate(), message);
    }

    /** The key without its secret. */
    @Override
    public String toString() {
        return "Key(" + id + ", " + principal + ")";
    }

    /** Java derives a public key only while it makes a pair: it is given the seed in place of random bytes. */
    private static KeyPair pairOf(byte[] seed) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
            generator.initialize(NamedParameterSpec.ED25519, new Seed(seed));
            KeyPair pair = generator.generateKeyPair();
            byte[] used = ((EdECPrivateKey) pair.getPrivate()).getBytes().orElseThrow();
            if (!Arrays.equals(used, seed)) {
                throw new IllegalStateException("this Java makes Ed25519 keys in another way: use OpenJDK's");
            }
            return pair;
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError("every Java 17 has Ed25519", impossible);
        }
    }

    private static final class Seed extends SecureRandom {
        private static final long serialVersionUID = 1;
        private final byte[] seed;

        Seed(byte[] seed) {
            this.seed = seed;
        }

        @Override
        public void nextBytes(byte[] bytes) {
            System.arraycopy(seed, 0, bytes, 0, bytes.length);
        }
    }
}
