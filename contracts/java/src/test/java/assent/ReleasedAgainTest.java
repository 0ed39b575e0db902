package assent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which of several releases is applied: of a change that is released again, and of a member of a set. */
@Timeout(90)
class ReleasedAgainTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Handler DONE = release -> new Applied();

    @TempDir
    private Path state;

    @Test
    void whatIsReleasedAgainIsAppliedOnceMoreWithAnotherKey() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        int[] calls = {0};
        Handler first = release -> {
            if (++calls[0] == 1) {
                throw new UnknownOutcomeException("it timed out");
            }
            return new Applied();
        };
        try (RunningApplier applier = new RunningApplier(fake, state, first)) {
            String request = applier.submit("app/payroll");
            applier.start().await(request, Result.UNKNOWN);
            fake.act(request, "change-released");
            applier.await(request, Result.SUCCEEDED);
            applier.stop();
            List<Release> releases = applier.releases();
            assertEquals(2, releases.size());
            assertEquals(List.of(releases.get(0).idempotencyKey()), releases.get(1).earlierKeys());
            assertFalse(releases.get(1).earlierKeys().contains(releases.get(1).idempotencyKey()));
        }
    }

    @Test
    void aReportOfATryThatWasReleasedAgainIsSentAndTheNewReleaseApplied() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        String request = RunningApplier.stoppedAtWork(fake, state);
        try (Journal journal = Journal.open(state, fake.identity)) {
            // It was killed after it had written its report.
            Command report = Command.report("applier", journal.change(request), Outcome.succeeded(null), 1);
            journal.write(request, Journal.REPORT, report.value());
        }
        // The lease ends, and people have the change applied again.
        fake.act(request, "outcome-unknown");
        fake.act(request, "change-released");
        try (RunningApplier again = new RunningApplier(fake, state, DONE)) {
            again.start().await(request, Result.SUCCEEDED);
            again.await(request, Result.NOT_OPEN);
            again.stop();
            assertEquals(1, again.calls());
        }
        assertEquals(List.of("claim-superseded"), fake.refusals());
    }

    @Test
    void aMemberOfASetIsAppliedOnlyWhenTheLedgerHasReleasedItsSet(@TempDir Path other) throws Exception {
        FakeLog fake = new FakeLog(LONG);
        String member = "app/member-0";
        for (int number = 1; partitionOf(member) == partitionOf("app/set"); number++) {
            member = "app/member-" + number;
        }
        SubmittedSet submitted;
        try (Log log = fake.connect();
                Publisher publisher = new Publisher(log, FakeLog.key("alice-key", "alice"), "/tests")) {
            submitted = publisher.submitSet(
                    new Submission("app/set", "change-set", "Both.", "0"),
                    List.of(new SetChange(member, "edit", "{\"a\": 1e400}")), FakeLog.SOON);
        }
        String request = submitted.members().get(member);
        fake.act(request, "change-released"); // as one with the coordinator's key can have it released
        try (RunningApplier applier = new RunningApplier(fake, state, DONE)) {
            applier.start().await(request, Result.NO_EVIDENCE);
            applier.stop();
            assertEquals(0, applier.calls());
        }
        fake.act(submitted.request(), "change-released");
        try (RunningApplier applier = new RunningApplier(fake, other, DONE)) {
            applier.start().await(request, Result.SUCCEEDED);
            applier.await(submitted.request(), Result.NO_EVIDENCE); // the set itself is not applied
            applier.stop();
            assertEquals(1, applier.calls());
        }
    }

    private static int partitionOf(String resource) {
        return Partitions.partitionFor(resource.getBytes(StandardCharsets.UTF_8), FakeLog.PARTITIONS);
    }
}
