package assent;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The changes in hand of one run: those to one object one after the other, those to different objects at once. */
final class ChangesInHand {
    /** A change whose command was refused. `until` is null if only governance can help. */
    private record Parked(Change change, Deadline until, long governance) {}

    private static final long WAIT_MS = 250;

    private final Log log;
    private final Settlement settlement;
    private final Consumer<Handled> onHandled;
    private final Runnable onFailure;
    private final Deadline taking;
    private final Deadline working;
    private final ExecutorService workers;

    // Guarded by this.
    private final Map<String, Change> requests = new HashMap<>();
    private final Map<String, Deque<Change>> byObject = new HashMap<>();
    private final List<Parked> parked = new ArrayList<>();
    private Throwable failure;

    /** `onFailure` is called once a change could not be taken further; `failure()` states why. */
    ChangesInHand(
            Log log, Settlement settlement, int concurrency, Consumer<Handled> onHandled, Runnable onFailure,
            Deadline taking, Deadline working) {
        this.log = log;
        this.settlement = settlement;
        this.onHandled = onHandled;
        this.onFailure = onFailure;
        this.taking = taking;
        this.working = working;
        this.workers = Executors.newFixedThreadPool(concurrency, Applier.daemons("assent-worker"));
    }

    /**
     * Whether a change is in hand. If that is an earlier release of its request, it is waited for until that is dropped:
     * people had it released again, so only its report can be left.
     */
    synchronized boolean has(Change change, Tracker.Found found, Deadline taking) throws InterruptedException {
        Change earlier = requests.get(change.request());
        boolean isReleasedAgain = earlier != null && found != null && found.request().isRelease(change)
                && found.request().wasRelease(earlier);
        while (isReleasedAgain && requests.get(change.request()) == earlier && !taking.isOver()) {
            if (parked.removeIf(each -> each.change() == earlier)) {
                workers.execute(() -> settle(earlier));
            }
            wait(WAIT_MS);
        }
        return requests.containsKey(change.request());
    }

    /** What could not be done, or null. */
    synchronized Throwable failure() {
        return failure;
    }

    /** Takes a change, which is in the journal, to its end in the background. */
    synchronized void begin(Change change) {
        requests.put(change.request(), change);
        Deque<Change> queue = byObject.computeIfAbsent(change.resource(), name -> new ArrayDeque<>());
        queue.add(change);
        if (queue.size() == 1) {
            workers.execute(() -> settle(change));
        }
    }

    /** Takes up again what was refused, where something has changed since. */
    synchronized void takeUpParked(Tracker tracker) {
        long governance = log.governance();
        for (Iterator<Parked> each = parked.iterator(); each.hasNext();) {
            Parked waits = each.next();
            boolean isDue = waits.until() == null ? governance > waits.governance() : waits.until().isOver();
            if (isDue || tracker.find(waits.change().request()) == null) {
                each.remove();
                workers.execute(() -> settle(waits.change()));
            }
        }
    }

    private void settle(Change change) {
        if (taking.isOver()) {
            return;
        }
        try {
            Settlement.Step step = settlement.settle(change);
            if (step instanceof Settlement.Done done) {
                finished(change, done.handled());
                onHandled.accept(done.handled());
            } else {
                park(change, (Settlement.Later) step);
            }
        } catch (StoppedException | InterruptedException stopped) {
            // It is in the journal, and is taken up at the next start.
        } catch (IOException | RuntimeException cause) {
            fail(change, cause);
        }
    }

    private void park(Change change, Settlement.Later later) {
        onHandled.accept(Handled.inHand(change, Result.REFUSED, later.refusal().toString()));
        var pause = Settlement.pause(later.refusal());
        synchronized (this) {
            parked.add(new Parked(change, pause == null ? null : Deadline.after(pause), later.governance()));
        }
    }

    private synchronized void finished(Change change, Handled handled) {
        // What is in doubt stays in hand: people compare the target with the ledger first.
        if (handled.result() != Result.OTHER_RELEASE && handled.result() != Result.NO_EVIDENCE) {
            requests.remove(change.request());
            notifyAll();
        }
        Deque<Change> queue = byObject.get(change.resource());
        queue.remove();
        if (queue.isEmpty()) {
            byObject.remove(change.resource());
        } else {
            Change next = queue.peek();
            workers.execute(() -> settle(next));
        }
    }

    private void fail(Change change, Exception cause) {
        if (working.isOver()) {
            return;
        }
        synchronized (this) {
            if (failure == null) {
                failure = cause instanceof AssentException && !(cause instanceof NotDecidedException)
                        ? cause
                        : new IOException("request " + change.request() + ": " + cause.getMessage(), cause);
            }
        }
        onFailure.run();
    }

    /** Lets the handlers at work finish, for so long; then they are interrupted. Returns when all have returned. */
    void finish(long withinNanos) throws InterruptedException {
        workers.shutdown();
        try {
            workers.awaitTermination(withinNanos, TimeUnit.NANOSECONDS);
        } finally {
            working.end();
            log.wakeUp();
            workers.shutdownNow();
        }
        workers.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    }
}
