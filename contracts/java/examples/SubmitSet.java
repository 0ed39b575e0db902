import assent.Config;
import assent.End;
import assent.Key;
import assent.Log;
import assent.Publisher;
import assent.SetChange;
import assent.Submission;
import assent.SubmittedSet;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * Asks for the same change to several objects, approved as one, and waits until all of them have ended.
 *
 * <pre>
 * eval "$(assent env)"
 * ASSENT_KEY_FILE=keys/device-config.key java -cp 'target/*:target/lib/*' examples/SubmitSet.java script/release-12 script/a.sh
 * </pre>
 */
class SubmitSet {
    public static void main(String[] arguments) throws Exception {
        Key key = Key.load(Path.of(System.getenv("ASSENT_KEY_FILE")));
        try (Log log = Log.connect(Config.fromEnvironment());
                Publisher publisher = new Publisher(log, key, "/examples/submit-set")) {
            Submission set = new Submission(arguments[0], "change-set", "All or none.", "null");
            List<SetChange> changes = Stream.of(arguments).skip(1)
                    .map(object -> new SetChange(object, "edit", "\"echo hello\"")).toList();
            SubmittedSet submitted = publisher.submitSet(set, changes, Duration.ofMinutes(5));
            System.out.println(submitted.request() + " " + submitted.members());
            End end = publisher.waitApplied(submitted.request(), Duration.ofDays(30));
            System.out.println(end.status() + " " + end.by() + " " + end.message());
        }
    }
}
