package assent;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Files that are there as a whole or not at all, after a power cut too. */
final class Durable {
    static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY_FOLDER =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private Durable() {}

    /** Replaces a file: on return it holds the value. */
    static void write(Path path, byte[] value) throws IOException {
        Path fresh = path.resolveSibling("." + path.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        create(fresh, value);
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        syncFolder(path.getParent());
    }

    /** Writes a new file, readable by its owner only. Throws FileAlreadyExistsException. */
    static void create(Path path, byte[] value) throws IOException {
        Files.createFile(path, OWNER_ONLY);
        // Not a channel, which an interrupt of the thread would close.
        try (FileOutputStream file = new FileOutputStream(path.toFile())) {
            file.write(value);
            file.getFD().sync();
        }
    }

    private static void syncFolder(Path folder) throws IOException {
        boolean wasInterrupted = Thread.interrupted();
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
