package assent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PublisherTest {
    private final FakeLog fake = new FakeLog(Duration.ofMinutes(1));

    private static Publisher alice(Log log) {
        return new Publisher(log, FakeLog.key("alice-key", "alice"), "/tests");
    }

    @Test
    void aSubmissionIsDecidedAndTheSameBytesGetTheFirstDecision() throws Exception {
        Command command = Command.submit("alice", FakeLog.submission("app/payroll"));
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            Decision first = publisher.send(command, FakeLog.SOON);
            assertFalse(first.repeated());
            // As another process does, for which the first decision is in the past.
            try (Log other = fake.connect(); Publisher another = alice(other)) {
                Decision again = another.resend(command.value(), FakeLog.SOON);
                assertTrue(again.repeated());
                assertEquals(first.request().orElseThrow(), again.request().orElseThrow());
            }
        }
    }

    @Test
    void theSameSubmissionUnderTheSameIdIsTheSameRequestAtAnyTime() throws Exception {
        Submission build = FakeLog.submission("app/manual").withId("build-7");
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            Decision first = publisher.submit(build, FakeLog.SOON);
            Thread.sleep(2); // the command's time differs
            Decision again = publisher.submit(build, FakeLog.SOON);
            assertTrue(again.repeated());
            assertEquals(first.request(), again.request());
            Submission other = build.withDetails(Details.NONE.withBase("v2"));
            RefusedException refused =
                    assertThrows(RefusedException.class, () -> publisher.submit(other, FakeLog.SOON));
            assertEquals("id-reused", refused.refusal().code());
        }
    }

    @Test
    void aRefusalIsThrownAndStatesWhatToDo() throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            RefusedException refused = assertThrows(RefusedException.class,
                    () -> publisher.submit(FakeLog.submission("app/locked"), FakeLog.SOON));
            assertEquals("resource-locked", refused.refusal().code());
            assertTrue(refused.getMessage().contains("Wait for"), refused.getMessage());
        }
    }

    @Test
    void whatADeciderWouldRefuseForItsFormIsNotSent() {
        for (String payload : List.of("{\"a\":1,\"a\":2}", "1,\"payload\":2", "NaN", "")) {
            RefusedException refused = assertThrows(RefusedException.class,
                    () -> Command.submit("alice", new Submission("app/payroll", "edit", "Why.", payload)), payload);
            assertEquals("malformed", refused.refusal().code());
        }
        Submission half = new Submission("app/payroll", "edit", "\ud83d", "1");
        String why = assertThrows(IllegalArgumentException.class, () -> Command.submit("alice", half)).getMessage();
        assertTrue(why.contains("justification"), why);
    }

    @Test
    void withoutDecisionTheCommandIsInTheException() throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            fake.setWaiting(true);
            NotDecidedException undecided = assertThrows(NotDecidedException.class,
                    () -> publisher.submit(FakeLog.submission("app/payroll"), Duration.ofMillis(200)));
            fake.setWaiting(false);
            Decision decision = publisher.resend(undecided.command().value(), FakeLog.SOON);
            assertTrue(decision.request().isPresent());
        }
    }

    @Test
    void whileKafkaIsAwayTheSameBytesAreSentAgainUntilTheTimeIsOver() throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            fake.kafka.setAway(true);
            assertThrows(NotDecidedException.class,
                    () -> publisher.submit(FakeLog.submission("app/a"), Duration.ofMillis(300)));
            CompletableFuture<Decision> later = CompletableFuture.supplyAsync(() -> {
                try {
                    return publisher.submit(FakeLog.submission("app/b"), FakeLog.SOON);
                } catch (InterruptedException stopped) {
                    throw new AssertionError(stopped);
                }
            });
            assertThrows(TimeoutException.class, () -> later.get(300, TimeUnit.MILLISECONDS));
            fake.kafka.setAway(false);
            assertTrue(later.get(30, TimeUnit.SECONDS).request().isPresent());
        }
    }

    @Test
    void theEndOfARequestIsFollowedNowAndLater(@TempDir Path state) throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            String request =
                    publisher.submit(FakeLog.submission("app/payroll"), FakeLog.SOON).request().orElseThrow();
            assertThrows(TimeoutException.class, () -> publisher.follow(request, Duration.ofMillis(100)));
            End end;
            try (RunningApplier applier = new RunningApplier(fake, state, release -> new Applied("done", "v2"))) {
                applier.start();
                end = publisher.follow(request, FakeLog.SOON);
            }
            assertEquals(new End(request, "completed", "applier", "done", "v2", end.seq(), end.at()), end);
            try (Log other = fake.connect(); Publisher another = alice(other)) {
                assertEquals(end, another.follow(request, FakeLog.SOON));
                for (String unknown : List.of("0-9999", "x")) {
                    assertThrows(
                            IllegalArgumentException.class, () -> another.follow(unknown, FakeLog.SOON), unknown);
                }
            }
        }
    }

    /** Approves a request as bob. */
    private void approve(Publisher publisher, String request) throws Exception {
        Submitted of = fake.submitted(request);
        publisher.send(Command.approve("bob", of.resource(), request, of.sha256(), ""), FakeLog.SOON);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void waitAppliedCompletesWhatWasApprovedBeforeTheWaitOrIsApprovedLater(boolean before, @TempDir Path state)
            throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log);
                RunningApplier applier = new RunningApplier(fake, state, release -> new Applied())) {
            applier.start();
            String request = publisher.submit(FakeLog.submission("app/manual"), FakeLog.SOON).request().orElseThrow();
            if (before) {
                approve(publisher, request);
            }
            CompletableFuture<End> ended = CompletableFuture.supplyAsync(() -> {
                try {
                    return publisher.waitApplied(request, FakeLog.SOON);
                } catch (InterruptedException | TimeoutException failed) {
                    throw new AssertionError(failed);
                }
            });
            if (!before) {
                assertThrows(TimeoutException.class, () -> ended.get(200, TimeUnit.MILLISECONDS));
                approve(publisher, request);
            }
            End end = ended.get(30, TimeUnit.SECONDS);
            assertEquals("completed", end.status());
            assertEquals(end, publisher.waitApplied(request, FakeLog.SOON), "it has ended before");
        }
    }

    @Test
    void waitAppliedThrowsWhyAnApprovedRequestCannotBeCompleted() throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            String request = publisher.submit(FakeLog.submission("app/manual"), FakeLog.SOON).request().orElseThrow();
            approve(publisher, request);
            fake.refuse(Command.COMPLETE, "requester-not-permitted");
            assertThrows(RefusedException.class, () -> publisher.waitApplied(request, FakeLog.SOON));
            fake.refuse(Command.COMPLETE, "outdated"); // it was reopened, and may be approved again
            assertThrows(TimeoutException.class, () -> publisher.waitApplied(request, Duration.ofMillis(300)));
        }
    }

    @Test
    void aSetWhoseMemberIsRefusedIsCanceled() throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            Submission set = new Submission("app/set", "change-set", "Both.", "0");
            List<SetChange> changes =
                    List.of(new SetChange("app/a", "edit", "1"), new SetChange("app/locked", "edit", "2"));
            RefusedException refused =
                    assertThrows(RefusedException.class, () -> publisher.submitSet(set, changes, FakeLog.SOON));
            assertEquals("resource-locked", refused.refusal().code());
            assertTrue(refused.getMessage().startsWith("app/locked"), refused.getMessage());
            assertEquals("canceled", publisher.follow(fake.requestOf("app/set"), FakeLog.SOON).status());
            assertThrows(
                    IllegalArgumentException.class, () -> publisher.submitSet(set, List.of(), FakeLog.SOON));
        }
    }

    @Test
    void aProducerThatBlocksIsNotWaitedForBeyondTheTime() throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            fake.kafka.setBlocking(true);
            Deadline limit = Deadline.after(Duration.ofSeconds(10));
            assertThrows(NotDecidedException.class,
                    () -> publisher.submit(FakeLog.submission("app/a"), Duration.ofMillis(300)));
            assertFalse(limit.isOver());
            fake.kafka.setBlocking(false);
        }
    }

    @Test
    void anotherLogIsNotConnectedTo() {
        Identity other = new Identity("ab".repeat(32));
        assertThrows(NotFoundedException.class, () -> Log.connect(other, fake.kafka, FakeLog.SOON));
        assertThrows(IllegalArgumentException.class, () -> new Identity("ab"));
    }

    @Test
    void aReaderReturnsWhatCounts() throws Exception {
        try (Log log = fake.connect(); Publisher publisher = alice(log)) {
            byte[] junk = "junk".getBytes(StandardCharsets.UTF_8);
            fake.kafka.append(Topics.LEDGER, 0, null, junk, List.of());
            for (String resource : List.of("app/a", "app/b", "app/c")) {
                publisher.submit(FakeLog.submission(resource), FakeLog.SOON);
            }
            List<String> resources = new ArrayList<>();
            try (LedgerReader reader = new LedgerReader(log)) {
                while (resources.size() < 3) {
                    for (AcceptedRecord each : reader.poll(FakeLog.SOON)) {
                        byte[] value = each.record().recordedCommand().orElseThrow().value();
                        resources.add(Submitted.read(value).resource());
                    }
                }
            }
            assertEquals(List.of("app/a", "app/b", "app/c"), resources.stream().sorted().toList());
            assertThrows(IllegalArgumentException.class, () -> new LedgerReader(log, FakeLog.PARTITIONS));
        }
    }

    @Test
    void answersThatComeEarlyAreKeptForTheirCommandsAndNotForEver() throws Exception {
        try (Log log = fake.connect()) {
            Tracker tracker = log.tracker();
            tracker.expect();
            for (int offset = 0; offset < Tracker.EARLY_MAX + 2; offset++) {
                LedgerRecord record = new LedgerRecord(offset, "", 1, offset, 1, 1, 0, null, null, null);
                log.locked(() -> {
                    tracker.take(new AcceptedRecord(record, 0, record.seq(), new byte[0], ""));
                    return null;
                });
            }
            Tracker.Place last = new Tracker.Place(0, Tracker.EARLY_MAX + 1);
            assertEquals(last.offset(), tracker.answer(Deadline.after(FakeLog.SOON), last, tracker.register(last)).seq());
            Tracker.Place first = new Tracker.Place(0, 0);
            Deadline over = Deadline.after(Duration.ZERO);
            assertThrows(TimeoutException.class, () -> tracker.answer(over, first, tracker.register(first)));
            tracker.expectNoMore();
            assertThrows(TimeoutException.class, () -> tracker.answer(over, last, tracker.register(last)));
        }
    }

    @Test
    void whoWaitsOnALogThatIsClosedIsToldSo() throws Exception {
        Log log = fake.connect();
        Publisher publisher = alice(log);
        fake.setWaiting(true);
        CompletableFuture<Throwable> ended = CompletableFuture.supplyAsync(() -> assertThrows(RuntimeException.class,
                () -> publisher.submit(FakeLog.submission("app/a"), Duration.ofDays(1))));
        assertThrows(TimeoutException.class, () -> ended.get(200, TimeUnit.MILLISECONDS));
        log.close();
        assertInstanceOf(IllegalStateException.class, ended.get(30, TimeUnit.SECONDS));
        publisher.close();
    }
}
