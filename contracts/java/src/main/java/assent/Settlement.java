package assent;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Takes a change from wherever the journal is to its end. Every command's bytes are in the journal before they are sent,
 * and are sent again until the ledger has decided them. What counts then is not the answer alone but what the ledger
 * states of the request.
 */
final class Settlement {
    /** What became of a change: it is done with, or to be taken up again. */
    sealed interface Step permits Done, Later {}

    /** It is done with. */
    record Done(Handled handled) implements Step {}

    /**
     * A command was refused, and a new one is answered alike until something has changed.
     *
     * @param governance the governance seq before it was sent
     */
    record Later(Refusal refusal, long governance) implements Step {}

    /** Whether a claim was granted. */
    private sealed interface Claim permits Granted, NotGranted {}

    private record Granted(Lease lease, OpenRequest.Grant grant, boolean isUnsettled) implements Claim {}

    private record NotGranted(Step step) implements Claim {}

    private static final long SLOW_ANSWER_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int ASK_AT_MOST = 3;

    private final Log log;
    private final Publisher publisher;
    private final Journal journal;
    private final Application application;
    private final Duration timeLimit;
    private final Consumer<Handled> onHandled;
    private final Deadline working;

    /** `working` ends when the applier is to stop. `timeLimit` is for all tries of one change together. */
    Settlement(
            Log log, Publisher publisher, Journal journal, Application application, Duration timeLimit,
            Consumer<Handled> onHandled, Deadline working) {
        this.timeLimit = timeLimit;
        this.onHandled = onHandled;
        this.log = log;
        this.publisher = publisher;
        this.journal = journal;
        this.application = application;
        this.working = working;
    }

    /** Throws StoppedException when the applier is to stop: what is in the journal is taken up at the next start. */
    Step settle(Change change) throws IOException, InterruptedException, StoppedException {
        Tracker.Found found = find(change);
        if (found != null && found.request().wasRelease(change)) {
            return releasedAgain(change);
        }
        if (found != null && !found.request().isRelease(change)) {
            return new Done(Handled.inHand(change, Result.OTHER_RELEASE,
                    "The ledger has released something else under the id of what is in hand. Compare the target with the"
                            + " ledger; then stop this applier and remove "
                            + journal.pathOf(change.request(), Journal.CHANGE) + "."));
        }
        byte[] report = journal.read(change.request(), Journal.REPORT);
        if (report != null) {
            return report(change, Outcome.ofReport(report), report);
        }
        Claim claim = claim(change);
        if (claim instanceof NotGranted not) {
            return not.step();
        }
        Outcome outcome = applyOnce(change, (Granted) claim);
        long number = ((Granted) claim).grant().seq();
        return report(change, outcome, writeReport(change, outcome, number));
    }

    /**
     * Drops a change that people have had released again. A report that was made of it is sent, and refused: so the ledger
     * has what this applier knows of the earlier try.
     */
    private Step releasedAgain(Change change) throws IOException, InterruptedException {
        byte[] report = journal.read(change.request(), Journal.REPORT);
        if (report != null) {
            publisher.ask(Command.read(report), working);
        }
        journal.drop(change.request());
        return new Done(Handled.inHand(change, Result.NOT_OPEN, "It has been released again since."));
    }

    private Tracker.Found find(Change change) {
        return publisher.tracker().find(change.request());
    }

    private Claim claim(Change change) throws IOException, InterruptedException {
        while (true) {
            byte[] value = journal.read(change.request(), Journal.CLAIM);
            boolean isFresh = value == null;
            Command command = isFresh ? Command.claim(publisher.key().principal(), change) : Command.read(value);
            if (isFresh) {
                journal.write(change.request(), Journal.CLAIM, command.value());
            }
            long governance = log.governance();
            Claim claim = ask(change, command, governance);
            boolean isOldAnswer = !isFresh && claim instanceof NotGranted not && not.step() instanceof Later;
            if (!isOldAnswer) {
                return claim;
            }
            // That was the answer to a claim of an earlier run: a new one may be granted.
        }
    }

    private Claim ask(Change change, Command command, long governance) throws IOException, InterruptedException {
        for (int asked = 1; ; asked++) {
            Publisher.Answer answer = publisher.ask(command, working);
            Tracker.Found found = find(change);
            if (found == null || !found.request().isReleased()) {
                return notClaimed(change, "The request has ended.");
            }
            if (!found.doubt().isEmpty()) {
                return new NotGranted(new Done(Handled.inHand(
                        change, Result.NO_EVIDENCE, "It is claimed, and left alone: " + found.doubt())));
            }
            OpenRequest.Grant grant = found.request().grant();
            if (grant == null) {
                journal.forget(change.request(), Journal.CLAIM);
                Refusal refusal = answer.decision().refusal();
                return new NotGranted(new Later(refusal == null ? Refusal.UNREADABLE : refusal, governance));
            }
            if (!grant.command().equals(command.id()) || !grant.applier().equals(publisher.key().principal())) {
                return notClaimed(change, grant.applier() + " has claimed it.");
            }
            boolean isUnsettled = found.request().state() == OpenRequest.State.UNSETTLED;
            Lease lease = new Lease(isUnsettled ? 0 : grant.deadline(), answer.decision().at(), answer.sentNanos());
            boolean isSlow = System.nanoTime() - answer.sentNanos() >= SLOW_ANSWER_NANOS;
            // A slow answer gives a poor estimate of the time: one more, to the same bytes, gives a good one.
            if (!lease.isOver() || isUnsettled || !isSlow || asked == ASK_AT_MOST) {
                return new Granted(lease, grant, isUnsettled);
            }
        }
    }

    private Claim notClaimed(Change change, String why) throws IOException {
        journal.drop(change.request());
        return new NotGranted(new Done(Handled.inHand(change, Result.NOT_CLAIMED, why)));
    }

    /** Calls the handler, unless the claimed change is not what was released, or the lease may have ended. */
    private Outcome applyOnce(Change change, Granted granted)
            throws IOException, InterruptedException, StoppedException {
        Tracker.Found found = find(change);
        boolean isOther = found != null && !found.request().isRelease(change);
        if (isOther || !Encodings.sha256Hex(change.payload()).equals(granted.grant().digest())) {
            return Outcome.unchanged("the change is not what the ledger has released.");
        }
        boolean wasBegun = journal.read(change.request(), Journal.BEGUN) != null;
        if (!wasBegun) {
            journal.write(change.request(), Journal.BEGUN, new byte[0]);
            if (granted.lease().isOver()) {
                return Outcome.unchanged("the lease ended before the applier began.");
            }
        }
        List<String> earlier = found == null ? List.of() : found.request().earlier().stream()
                .map(each -> change.releasedAt(each).idempotencyKey(log.identity())).toList();
        Release release = new Release(
                change, granted.grant().seq(), change.idempotencyKey(log.identity()), earlier,
                found == null ? List.of() : found.request().approvers(), new WorkTime(granted.lease(), timeLimit));
        if (wasBegun) {
            Outcome shown = application.readBack(release);
            if (shown != null) {
                return shown;
            }
            if (granted.lease().isOver()) {
                return Outcome.unknown("The applier was stopped at work, and its lease ended in the meantime.");
            }
        }
        Outcome outcome;
        try (LeaseRenewal renewal = new LeaseRenewal(log, publisher, release, onHandled)) {
            outcome = application.apply(release, wasBegun && !application.readsBack());
        }
        if (outcome.result() == Result.UNKNOWN) {
            Outcome shown = application.readBack(release);
            return shown != null && shown.result() == Result.SUCCEEDED ? shown : outcome;
        }
        return outcome;
    }

    private byte[] writeReport(Change change, Outcome outcome, long claim) throws IOException {
        byte[] value = Command.report(publisher.key().principal(), change, outcome, claim).value();
        journal.write(change.request(), Journal.REPORT, value);
        return value;
    }

    /** Sends the outcome until the ledger has it, or there is nothing to report any more. */
    private Step report(Change change, Outcome outcome, byte[] written) throws IOException, InterruptedException {
        byte[] value = written;
        long claim = claimOf(change, written);
        for (boolean isFresh = false; !isReported(change, outcome, claim); isFresh = true) {
            long governance = log.governance();
            Publisher.Answer answer = publisher.ask(Command.read(value), working);
            if (isReported(change, outcome, claim)) {
                break;
            }
            // The same bytes would get the same answer.
            value = writeReport(change, outcome, claim);
            if (isFresh) {
                Refusal refusal = answer.decision().refusal();
                return new Later(refusal == null ? Refusal.UNREADABLE : refusal, governance);
            }
        }
        journal.drop(change.request());
        return new Done(Handled.inHand(change, outcome.result(), outcome.forPeople()));
    }

    /** The claim that a report names; one that names none, of another client, is about the current claim. */
    private long claimOf(Change change, byte[] report) {
        Tracker.Found found = find(change);
        long current = found == null || found.request().grant() == null ? -1 : found.request().grant().seq();
        return Outcome.claimOf(report, current);
    }

    private boolean isReported(Change change, Outcome outcome, long claim) {
        Tracker.Found found = find(change);
        if (found == null || found.request().grant() == null || found.request().grant().seq() != claim) {
            return true;
        }
        boolean isMine = found.request().grant().applier().equals(publisher.key().principal());
        boolean isUnsettled = found.request().state() == OpenRequest.State.UNSETTLED;
        return !isMine || outcome.result() == Result.UNKNOWN && isUnsettled;
    }

    /** How long to wait before a refused command is tried again; null if only governance can help. */
    static Duration pause(Refusal refusal) {
        if (refusal.againAt() > 0) {
            long ms = refusal.againAt() - System.currentTimeMillis();
            return Duration.ofMillis(Math.min(Math.max(ms, 1_000), Duration.ofHours(1).toMillis()));
        }
        return refusal.code().equals("stale") ? Duration.ofMinutes(1) : null;
    }
}
