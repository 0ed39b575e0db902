package assent;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Kafka's default partitioner: decisions are made only on commands that are in the partition of their key. */
public final class Partitions {
    private Partitions() {}

    /** The partition, of so many, in which the commands about a resource belong. */
    public static int partitionFor(String resource, int partitions) {
        return partitionFor(resource.getBytes(StandardCharsets.UTF_8), partitions);
    }

    static int partitionFor(byte[] key, int partitions) {
        return (murmur2(key) & 0x7fffffff) % partitions;
    }

    static int murmur2(byte[] key) {
        final int m = 0x5bd1e995;
        int hash = 0x9747b28c ^ key.length;
        ByteBuffer words = ByteBuffer.wrap(key).order(ByteOrder.LITTLE_ENDIAN);
        while (words.remaining() >= 4) {
            int word = words.getInt() * m;
            hash = hash * m ^ (word ^ word >>> 24) * m;
        }
        if (words.hasRemaining()) {
            for (int index = 0; words.hasRemaining(); index++) {
                hash ^= (words.get() & 0xff) << 8 * index;
            }
            hash *= m;
        }
        hash = (hash ^ hash >>> 13) * m;
        return hash ^ hash >>> 15;
    }
}
