import assent.Applied;
import assent.Applier;
import assent.Config;
import assent.Key;
import assent.Log;
import assent.Release;
import assent.RetryableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Writes the payload of each released change into a file. CRASH lets it kill itself (SIGKILL) in the handler, before or
 * after the file is written; started again without it, it continues from its journal.
 *
 * <pre>
 * eval "$(assent env)"
 * ASSENT_KEY_FILE=keys/applier.key ASSENT_STATE=state ASSENT_TARGET=target java -cp 'target/*:target/lib/*' examples/Apply.java
 * </pre>
 */
class Apply {
    public static void main(String[] arguments) throws Exception {
        Key key = Key.load(Path.of(System.getenv("ASSENT_KEY_FILE")));
        Path state = Path.of(System.getenv("ASSENT_STATE"));
        try (Log log = Log.connect(Config.fromEnvironment());
                Applier applier = Applier.builder(log, key, state, Apply::write)
                        .onHandled(done -> System.out.println(done.result() + " " + done.request() + " " + done.detail()))
                        .build()) {
            Runtime.getRuntime().addShutdownHook(new Thread(applier::close));
            applier.run();
        }
    }

    /** Is called again after a crash: the name of the file is the change's, and a file that is there is complete. */
    static Applied write(Release release) throws Exception {
        crashAt("before");
        Path path = Path.of(System.getenv("ASSENT_TARGET"), release.change().submission());
        if (Files.notExists(path)) {
            Path fresh = path.resolveSibling(path.getFileName() + ".new");
            try {
                Files.write(fresh, release.change().payload());
            } catch (IOException notWritten) {
                throw new RetryableException(notWritten.toString());
            }
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
        }
        crashAt("after");
        return new Applied("", "sha256:" + release.change().digest());
    }

    static void crashAt(String point) throws Exception {
        if (point.equals(System.getenv("CRASH"))) {
            new ProcessBuilder("kill", "-KILL", Long.toString(ProcessHandle.current().pid())).start().waitFor();
        }
    }
}
