import assent.Config;
import assent.Decision;
import assent.Details;
import assent.End;
import assent.Key;
import assent.Log;
import assent.Publisher;
import assent.Submission;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Asks for a change, releases it once it is approved, and waits until it has ended.
 *
 * <pre>
 * eval "$(assent env)"
 * ASSENT_KEY_FILE=keys/device-config.key java -cp 'target/*:target/lib/*' examples/Submit.java script/hello.sh '"echo hello"'
 * </pre>
 */
class Submit {
    public static void main(String[] arguments) throws Exception {
        Key key = Key.load(Path.of(System.getenv("ASSENT_KEY_FILE")));
        try (Log log = Log.connect(Config.fromEnvironment());
                Publisher publisher = new Publisher(log, key, "/examples/submit")) {
            Submission submission = new Submission(arguments[0], "edit", "An example.", arguments[1]).withDetails(
                    Details.NONE.withExpected("The target has the payload.").withTickets("CHG-1"));
            Decision decision = publisher.submit(submission, Duration.ofMinutes(1));
            String request = decision.request().orElseThrow();
            System.out.println(request);
            End end = publisher.waitApplied(request, Duration.ofDays(30));
            System.out.println(end.status() + " " + end.by() + " " + end.version());
        }
    }
}
