package assent;

import java.time.Duration;
import java.util.function.Consumer;
import org.apache.kafka.common.KafkaException;

/** Renews the lease of a claim in a thread of its own, whenever half of it has passed and its handler may need the rest. */
final class LeaseRenewal implements AutoCloseable {
    private static final Duration SOONEST = Duration.ofMillis(100);

    private final Log log;
    private final Publisher publisher;
    private final Release release;
    private final Consumer<Handled> onHandled;
    private final Deadline working = Deadline.never();
    private final Thread thread;

    /** Begins. `onHandled` gets the reason if the lease cannot be renewed any more. */
    LeaseRenewal(Log log, Publisher publisher, Release release, Consumer<Handled> onHandled) {
        this.log = log;
        this.publisher = publisher;
        this.release = release;
        this.onHandled = onHandled;
        this.thread = Applier.daemons("assent-renewal").newThread(this::keepRenewing);
        thread.start();
    }

    private void keepRenewing() {
        try {
            while (renewOnce()) {
                continue;
            }
        } catch (InterruptedException | AssentException | KafkaException | IllegalStateException notRenewed) {
            // The handler is done, or it ends with the lease. What is wrong with the log is told to who settles the change.
        }
    }

    /** Whether to go on. */
    private boolean renewOnce() throws InterruptedException {
        WorkTime time = release.time();
        Duration half = Duration.ofNanos(Math.max(time.lease().leftNanos() / 2, SOONEST.toNanos()));
        log.rest(working, half);
        if (working.isOver() || time.lease().isOver() || time.lease().leftNanos() >= time.atMostNanos()) {
            return false;
        }
        Command command = Command.renew(publisher.key().principal(), release.change(), release.claim());
        Publisher.Answer answer =
                publisher.ask(command, Deadline.after(Duration.ofNanos(Math.max(0, time.lease().leftNanos()))));
        Tracker.Found found = publisher.tracker().find(release.change().request());
        OpenRequest.Grant grant = found == null ? null : found.request().grant();
        if (grant == null || grant.seq() != release.claim()
                || found.request().state() == OpenRequest.State.UNSETTLED) {
            return false;
        }
        // By the ledger's state, and not by the answer, which may only point at a first decision.
        time.renew(new Lease(grant.deadline(), answer.decision().at(), answer.sentNanos()));
        Refusal refusal = answer.decision().refusal();
        if (refusal != null && !refusal.code().equals("too-many-commands")) {
            onHandled.accept(Handled.inHand(
                    release.change(), Result.REFUSED, "The lease is not renewed: " + refusal));
            return false;
        }
        return true;
    }

    @Override
    public void close() {
        working.end();
        thread.interrupt();
        Log.join(thread);
    }
}
