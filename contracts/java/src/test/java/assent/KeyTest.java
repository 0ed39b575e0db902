package assent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyTest {
    @TempDir
    private Path folder;

    @Test
    void aKeyFileIsWrittenOnceAndReadAgain() throws Exception {
        Path path = folder.resolve("keys").resolve("alice.key");
        Key key = Key.generate("alice-key", "alice");
        key.save(path);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        Key read = Key.load(path);
        assertEquals(key.publicKey(), read.publicKey());
        assertEquals("Key(alice-key, alice)", read.toString(), "without its secret");
        assertThrows(IOException.class, () -> key.save(path), "a key is not replaced");
    }

    @Test
    void aFileThatIsNotAKeyFileIsNamedWithoutItsContent() throws Exception {
        Path none = folder.resolve("none");
        String missing = assertThrows(IOException.class, () -> Key.load(none)).getMessage();
        assertTrue(missing.contains("assent keys new"), missing);
        Path bad = folder.resolve("bad");
        for (String content : List.of(
                "", "{}", "{\"id\":\"a\",\"principal\":\"b\",\"secret\":\"SECRET\"}",
                "{\"id\":\"a\",\"principal\":\"b\",\"secret\":1}",
                "{\"id\":\"a\",\"principal\":\"b\",\"secret\":\"" + "A".repeat(43) + "\",\"more\":1}")) {
            Files.writeString(bad, content);
            String why = assertThrows(IOException.class, () -> Key.load(bad), content).getMessage();
            assertTrue(why.contains("is not a key file"), why);
            assertFalse(why.contains("SECRET"), why);
        }
    }
}
