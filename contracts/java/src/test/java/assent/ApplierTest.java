package assent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(90)
class ApplierTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Handler DONE = release -> new Applied();

    @TempDir
    private Path state;

    /** Throws what a handler may. */
    private interface Answer {
        Applied to(int call) throws Exception;
    }

    private record Case(String name, Answer answer, Result result, int calls, String message) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> outcomes() {
        return Stream.of(
                new Case("applied", call -> new Applied("done", "v2"), Result.SUCCEEDED, 1, "done v2"),
                new Case("null", call -> null, Result.SUCCEEDED, 1, ""),
                new Case("final", call -> {
                    throw new FinalException("no such object");
                }, Result.FAILED, 1, "Nothing was changed: no such object"),
                new Case("unknown", call -> {
                    throw new UnknownOutcomeException("it timed out");
                }, Result.UNKNOWN, 1, "it timed out"),
                new Case("any other", call -> {
                    throw new IOException("pass=1");
                }, Result.UNKNOWN, 1, "The applier's handler threw IOException. Its log has the details."),
                new Case("an error", call -> {
                    throw new OutOfMemoryError("full");
                }, Result.UNKNOWN, 1, "The applier's handler threw OutOfMemoryError. Its log has the details."),
                new Case("retried", call -> {
                    if (call < 3) {
                        throw new RetryableException("busy");
                    }
                    return new Applied();
                }, Result.SUCCEEDED, 3, ""),
                new Case("control characters", call -> {
                    throw new FinalException("a\u0000b\nc\ud83d");
                }, Result.FAILED, 1, "Nothing was changed: a b\nc\ufffd"),
                new Case("too long", call -> new Applied("x".repeat(5_000)), Result.SUCCEEDED, 1,
                        "x".repeat(4_095) + "…"));
    }

    @ParameterizedTest
    @MethodSource
    void outcomes(Case each) throws Exception {
        FakeLog fake = new FakeLog(LONG);
        int[] calls = {0};
        try (RunningApplier applier = new RunningApplier(fake, state, release -> each.answer().to(++calls[0]))) {
            String request = applier.submit("app/payroll");
            applier.start().await(request, each.result());
            applier.stop();
            assertEquals(each.calls(), applier.calls());
            assertEquals((each.result() + ": " + each.message()).strip(), fake.outcome(request));
        }
    }

    @Test
    void aHandlerIsGivenWhatMakesItsEffectHappenOnce() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        try (RunningApplier applier = new RunningApplier(fake, state, DONE)) {
            String request = applier.submit("app/payroll");
            applier.start().await(request, Result.SUCCEEDED);
            Release release = applier.releases().get(0);
            assertEquals(FakeLog.submission("app/payroll").justification(), release.change().justification());
            assertEquals("{\"a\": 1e400,  \"b\":\"\\u00f6\"}", new String(
                    release.change().payload(), StandardCharsets.UTF_8));
            assertEquals(release.change().idempotencyKey(fake.identity), release.idempotencyKey());
            assertEquals(1, release.claim(), "the seq of the claim's record");
            assertTrue(release.remaining().compareTo(Duration.ofSeconds(54)) <= 0, "a tenth is for the report");
            assertEquals(List.of(), release.earlierKeys());
        }
    }

    @Test
    void aLeaseIsRenewedWhileTheHandlerWorksAndNotBeyondTheLimit() throws Exception {
        FakeLog fake = new FakeLog(Duration.ofSeconds(1));
        Duration limit = Duration.ofSeconds(3);
        Handler slow = release -> {
            Deadline certain = Deadline.after(limit);
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException over) {
                return new Applied(certain.left().compareTo(Duration.ofMillis(500)) < 0 ? "in time" : "too early");
            }
            return null;
        };
        try (RunningApplier applier = new RunningApplier(fake, state, slow, builder -> builder.timeLimit(limit))) {
            String request = applier.submit("app/long");
            applier.start().await(request, Result.SUCCEEDED);
            applier.stop();
            assertEquals("succeeded: in time", fake.outcome(request));
            assertTrue(fake.renewals() >= 2, fake.renewals() + " renewals");
        }
    }

    @Test
    void aHandlerIsInterruptedBeforeALeaseEndsThatIsNotRenewed() throws Exception {
        FakeLog fake = new FakeLog(Duration.ofSeconds(2));
        fake.refuse(Command.RENEW, "lease-limit");
        Handler hanging = release -> {
            new CountDownLatch(1).await();
            return new Applied();
        };
        try (RunningApplier applier = new RunningApplier(fake, state, hanging)) {
            String request = applier.submit("app/late");
            Handled told = applier.start().await(request, Result.REFUSED);
            assertTrue(told.detail().startsWith("The lease is not renewed"), told.detail());
            applier.await(request, Result.UNKNOWN);
            applier.stop();
            assertTrue(fake.outcome(request).contains("not done before its time was over"), fake.outcome(request));
        }
    }

    @Test
    void retriesEndWithTheTimeLimit() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        Handler busy = release -> {
            throw new RetryableException("busy");
        };
        try (RunningApplier applier =
                new RunningApplier(fake, state, busy, builder -> builder.timeLimit(Duration.ofSeconds(2)))) {
            String request = applier.submit("app/payroll");
            applier.start().await(request, Result.FAILED);
            assertTrue(applier.calls() >= 2);
            assertEquals("failed: Nothing was changed: busy", fake.outcome(request));
        }
    }

    @Test
    void stoppedAtWorkItContinuesWithTheSameClaim() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        String request = RunningApplier.stoppedAtWork(fake, state);
        try (RunningApplier again = new RunningApplier(fake, state, DONE)) {
            again.start().await(request, Result.SUCCEEDED);
            again.stop();
            assertEquals(1, again.calls());
        }
        assertEquals(1, fake.claims());
        try (Stream<Path> left = Files.walk(state)) {
            assertEquals(List.of(), left.filter(path -> path.getFileName().toString().startsWith(request)).toList());
        }
    }

    @Test
    void readBackIsAskedBeforeAChangeIsAppliedAgain() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        String request = RunningApplier.stoppedAtWork(fake, state);
        int[] asked = {0};
        ReadBack shown = release -> {
            if (++asked[0] < 3) {
                throw new RetryableException("busy");
            }
            return Optional.of(new Applied("it is there", "v2"));
        };
        try (RunningApplier again = new RunningApplier(fake, state, DONE, builder -> builder.readBack(shown))) {
            again.start().await(request, Result.SUCCEEDED);
            assertEquals(0, again.calls());
            assertEquals("succeeded: it is there v2", fake.outcome(request));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatALaterTryStatesSaysNothingOfOneThatWasCutOff(boolean isAsked) throws Exception {
        FakeLog fake = new FakeLog(LONG);
        String request = RunningApplier.stoppedAtWork(fake, state);
        Handler never = release -> {
            throw new FinalException("it is there already");
        };
        ReadBack hasNot = isAsked ? release -> Optional.empty() : null;
        try (RunningApplier again = new RunningApplier(fake, state, never, builder -> builder.readBack(hasNot))) {
            again.start().await(request, isAsked ? Result.FAILED : Result.UNKNOWN);
        }
    }

    @Test
    void readBackIsAskedBeforeAnOutcomeIsReportedAsUnknown() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        Handler silent = release -> {
            throw new IOException("it timed out");
        };
        ReadBack shown = release -> Optional.of(new Applied());
        try (RunningApplier applier = new RunningApplier(fake, state, silent, builder -> builder.readBack(shown))) {
            String request = applier.submit("app/payroll");
            applier.start().await(request, Result.SUCCEEDED);
        }
    }

    @Test
    void whatAStoppedApplierDidIsUnknownAfterTheLease() throws Exception {
        Duration lease = Duration.ofSeconds(2);
        FakeLog fake = new FakeLog(lease);
        String request = RunningApplier.stoppedAtWork(fake, state);
        Thread.sleep(lease.toMillis()); // the lease is what passes here
        try (RunningApplier again = new RunningApplier(fake, state, DONE)) {
            again.start().await(request, Result.UNKNOWN);
            assertEquals(0, again.calls());
        }
    }

    @Test
    void otherTypesAndForgeriesAreLeftAlone() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        try (RunningApplier applier =
                new RunningApplier(fake, state, DONE, builder -> builder.types(Set.of("script")))) {
            String other = applier.submit("app/payroll");
            fake.setSilent();
            String forged = applier.submit("script/forged");
            byte[] change = ("{\"type\":\"assent.change.v1\",\"request\":\"" + forged + "\",\"resource\":\"script/forged\","
                    + "\"operation\":\"delete\",\"requester\":\"alice\",\"justification\":\"x\",\"digest\":\"\","
                    + "\"submission\":\"\",\"released\":0,\"at\":0,\"payload\":1}").getBytes(StandardCharsets.UTF_8);
            fake.kafka.append(Topics.CHANGES, 0, null, change, List.of());
            fake.kafka.append(Topics.CHANGES, 0, null, new byte[] {'x'}, List.of());
            applier.start();
            applier.await(other, Result.OTHER_TYPE);
            applier.await(forged, Result.FORGED);
            applier.await("", Result.UNREADABLE);
            applier.stop();
            assertEquals(0, applier.calls());
            assertEquals(0, fake.claims());
        }
    }

    @Test
    void aRefusedClaimIsMadeAgainOnceGovernanceHasChanged() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        fake.refuse(Command.CLAIM, "not-an-applier");
        try (RunningApplier applier = new RunningApplier(fake, state, DONE, builder -> builder.concurrency(1))) {
            String refused = applier.submit("app/payroll");
            applier.start().await(refused, Result.REFUSED);
            fake.refuse(Command.CLAIM, "");
            // The only worker is free while that one waits.
            String next = applier.submit("app/other");
            applier.await(next, Result.SUCCEEDED);
            assertNull(fake.outcome(refused));
            fake.changeGovernance();
            applier.await(refused, Result.SUCCEEDED);
        }
    }

    private String applied(FakeLog fake) throws Exception {
        try (RunningApplier applier = new RunningApplier(fake, state, DONE)) {
            String request = applier.submit("app/payroll");
            applier.start().await(request, Result.SUCCEEDED);
            applier.stop();
            return request;
        }
    }

    @Test
    void aLogThatWasCutIsNotActedOn() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        applied(fake);
        FakeLog cut = new FakeLog(LONG);
        assertEquals(fake.identity, cut.identity, "the same log, as it was before");
        try (RunningApplier again = new RunningApplier(cut, state, DONE)) {
            assertInstanceOf(LogDiffersException.class, again.start().ended());
        }
    }

    @Test
    void aLedgerOfWhichLessCountsThanBeforeIsNotActedOn() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        applied(fake);
        try (Journal journal = Journal.open(state, fake.identity)) {
            Map<Integer, KeptHead> more = new HashMap<>();
            journal.heads().forEach((partition, kept) -> more.put(partition, new KeptHead(
                    new Head(kept.head().seq() + 5, kept.head().sha256(), 0, kept.head().nextOffset()), kept.era())));
            journal.keepHeads(more);
        }
        try (RunningApplier again = new RunningApplier(fake, state, DONE)) {
            Throwable cause = again.start().ended();
            assertInstanceOf(LogDiffersException.class, cause);
            assertTrue(cause.getMessage().contains("no longer counts"), cause.getMessage());
        }
    }

    @Test
    void afterAnAcceptedLossItStartsAgainAndFollowsTheLoss() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        String first = applied(fake);
        try (RunningApplier running = new RunningApplier(fake, state.resolve("other"), DONE)) {
            running.start().await(first, Result.NOT_OPEN);
            fake.lose();
            try (Log log = fake.connect();
                    Publisher publisher = new Publisher(log, FakeLog.key("alice-key", "alice"), "/tests")) {
                publisher.submit(FakeLog.submission("app/payroll"), FakeLog.SOON);
            }
            assertInstanceOf(LossAcceptedException.class, running.ended());
        }
        // What was claimed is given up: the release waits again.
        try (RunningApplier again = new RunningApplier(fake, state, DONE)) {
            again.start().await(first, Result.SUCCEEDED);
        }
    }

    @Test
    void aStateFolderHasOneApplierOfOneLog() throws Exception {
        FakeLog fake = new FakeLog(LONG);
        Path identity = state.resolve(fake.identity.hex().substring(0, 16)).resolve("identity");
        try (Journal taken = Journal.open(state, fake.identity);
                RunningApplier second = new RunningApplier(fake, state, DONE)) {
            Throwable cause = second.start().ended();
            assertTrue(cause.getMessage().contains("a state folder of its own"), cause.getMessage());
            Files.writeString(identity, "other");
        }
        try (RunningApplier other = new RunningApplier(fake, state, DONE)) {
            Throwable cause = other.start().ended();
            assertTrue(cause.getMessage().contains("belongs to another log"), cause.getMessage());
        }
    }
}
