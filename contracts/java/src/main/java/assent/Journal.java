package assent;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What an applier remembers across a crash, in the files that the other clients write too: {@code <request>.<part>}, and
 * the heads of the ledger that it has acted on. Each log has a folder of its own.
 */
final class Journal implements AutoCloseable {
    /** The released change, as it was read and compared with the ledger. An entry exists as long as this part does. */
    static final String CHANGE = "change";
    /** The claim's bytes, written before they are sent. */
    static final String CLAIM = "claim";
    /** From here on the change may have been applied. */
    static final String BEGUN = "begun";
    /** The outcome's bytes, written before they are sent. */
    static final String REPORT = "report";

    private static final List<String> PARTS = List.of(CHANGE, CLAIM, BEGUN, REPORT);

    private final Path folder;
    private final FileChannel lock;

    private Journal(Path folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /** Opens or creates it. Throws IOException if another applier uses it, or it belongs to another log. */
    static Journal open(Path stateDir, Identity identity) throws IOException {
        Path folder = stateDir.toAbsolutePath().resolve(identity.hex().substring(0, 16));
        Files.createDirectories(folder, Durable.OWNER_ONLY_FOLDER);
        Set<StandardOpenOption> options = Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileChannel lock = FileChannel.open(folder.resolve("lock"), options, Durable.OWNER_ONLY);
        try {
            checkLocked(lock, stateDir);
            if (Files.exists(folder.resolve("journal"))) {
                throw new IOException(stateDir + " has the journal of the Python client, which this one cannot read:"
                        + " give this one a state folder of its own");
            }
            Path owner = folder.resolve("identity");
            if (!Files.exists(owner)) {
                Durable.write(owner, identity.hex().getBytes(StandardCharsets.US_ASCII));
            } else if (!Files.readString(owner).equals(identity.hex())) {
                throw new IOException(
                        stateDir + " belongs to another log: give this one a state folder of its own");
            }
            return new Journal(folder, lock);
        } catch (IOException failed) {
            lock.close();
            throw failed;
        }
    }

    private static void checkLocked(FileChannel lock, Path stateDir) throws IOException {
        boolean isLocked;
        try {
            isLocked = lock.tryLock() != null;
        } catch (OverlappingFileLockException inThisProcess) {
            isLocked = false;
        }
        if (!isLocked) {
            throw new IOException(
                    stateDir + " is in use by another applier: give each applier a state folder of its own");
        }
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }

    Path pathOf(String request, String part) {
        return folder.resolve(request + "." + part);
    }

    /** The requests in hand. What is left over of others is removed. */
    List<String> entries() throws IOException {
        List<String> names;
        try (Stream<Path> files = Files.list(folder)) {
            names = files.map(path -> path.getFileName().toString()).sorted().toList();
        }
        Set<String> held = new HashSet<>();
        List<String> requests = new ArrayList<>();
        for (String name : names) {
            if (name.endsWith("." + CHANGE) && RequestId.parse(requestOf(name)) != null) {
                held.add(requestOf(name));
                requests.add(requestOf(name));
            }
        }
        for (String name : names) {
            boolean isPart = RequestId.parse(requestOf(name)) != null
                    && PARTS.contains(name.substring(name.indexOf('.') + 1));
            if (isPart && !held.contains(requestOf(name))) {
                Files.deleteIfExists(folder.resolve(name));
            }
        }
        return requests;
    }

    private static String requestOf(String name) {
        return name.substring(0, Math.max(0, name.indexOf('.')));
    }

    /** Takes a change in hand. Durable on return. */
    void begin(Change change) throws IOException {
        write(change.request(), CHANGE, change.raw());
    }

    Change change(String request) throws IOException {
        Path path = pathOf(request, CHANGE);
        try {
            return Change.read(Files.readAllBytes(path));
        } catch (IllegalArgumentException unreadable) {
            throw new IOException("read " + path + ": " + unreadable.getMessage(), unreadable);
        }
    }

    /** A part, or null if it was not written. */
    byte[] read(String request, String part) throws IOException {
        try {
            return Files.readAllBytes(pathOf(request, part));
        } catch (NoSuchFileException notWritten) {
            return null;
        }
    }

    /** Writes a part. Durable on return. */
    void write(String request, String part, byte[] value) throws IOException {
        Durable.write(pathOf(request, part), value);
    }

    void forget(String request, String part) throws IOException {
        Files.deleteIfExists(pathOf(request, part));
    }

    /** Ends an entry. Its first part goes first: the rest is then left over. */
    void drop(String request) throws IOException {
        for (String part : PARTS) {
            forget(request, part);
        }
    }

    /** The newest head of each ledger partition that this applier has acted on. */
    Map<Integer, KeptHead> heads() throws IOException {
        Path path = folder.resolve("heads");
        Map<Integer, KeptHead> heads = new HashMap<>();
        try {
            for (JsonObject.Member member : JsonObject.read(Files.readAllBytes(path)).members()) {
                heads.put(Integer.valueOf(member.name()), readHead(member.value()));
            }
            return heads;
        } catch (NoSuchFileException none) {
            return heads;
        } catch (NotJsonException | NumberFormatException unreadable) {
            throw new IOException("read " + path + ": it does not hold heads of the ledger", unreadable);
        }
    }

    private static KeptHead readHead(byte[] value) throws NotJsonException {
        JsonObject kept = JsonObject.read(value);
        JsonObject head = kept.object("head");
        if (head == null) {
            throw new NotJsonException();
        }
        Long seq = head.integer("seq");
        String sha256 = head.text("value_sha256");
        Long governance = head.integer("governance");
        Long nextOffset = head.integer("next_offset");
        if (seq == null || sha256 == null || governance == null || nextOffset == null) {
            throw new NotJsonException();
        }
        return new KeptHead(new Head(seq, sha256, governance, nextOffset), kept.textOr("era"));
    }

    /** Stores that the ledger was read up to these heads and acted on. Durable on return. */
    void keepHeads(Map<Integer, KeptHead> heads) throws IOException {
        JsonWriter all = new JsonWriter();
        heads.forEach((partition, kept) -> {
            byte[] head = new JsonWriter()
                    .integer("seq", kept.head().seq()).text("value_sha256", kept.head().sha256())
                    .integer("governance", kept.head().governance())
                    .integer("next_offset", kept.head().nextOffset()).done();
            all.raw(partition.toString(), new JsonWriter().raw("head", head).text("era", kept.era()).done());
        });
        Durable.write(folder.resolve("heads"), all.done());
    }
}
