package assent;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;

/**
 * Applies what is released, for one principal with the role applier. Each change is compared with the accepted release,
 * claimed, applied while the lease holds, and reported. What it has in hand is in its state folder, so that it continues
 * where it was after a crash anywhere.
 */
public final class Applier implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration KEEP_HEADS = Duration.ofSeconds(5);

    private final Log log;
    private final Key key;
    private final Path stateDir;
    private final Handler handler;
    private final ReadBack readBack;
    private final Set<String> types;
    private final int concurrency;
    private final Consumer<Handled> onHandled;
    private final Duration finishWithin;
    private final Duration timeLimit;

    private final AtomicBoolean isStarted = new AtomicBoolean();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Deadline taking = Deadline.never();
    private final Deadline working = Deadline.never();

    private Applier(Builder of) {
        log = of.log;
        key = of.key;
        stateDir = of.stateDir;
        handler = of.handler;
        readBack = of.readBack;
        types = of.types;
        concurrency = of.concurrency;
        onHandled = of.onHandled;
        finishWithin = of.finishWithin;
        timeLimit = of.timeLimit;
    }

    /** An applier with a state folder of its own, which is kept across restarts. */
    public static Builder builder(Log log, Key key, Path stateDir, Handler handler) {
        return new Builder(log, key, stateDir, handler);
    }

    /** What an applier is given; the rest is optional. */
    public static final class Builder {
        private final Log log;
        private final Key key;
        private final Path stateDir;
        private final Handler handler;
        private ReadBack readBack;
        private Set<String> types = Set.of();
        private int concurrency = 16;
        private Consumer<Handled> onHandled = handled -> { };
        private Duration finishWithin = Duration.ofSeconds(5);
        private Duration timeLimit = Duration.ofMinutes(15);

        private Builder(Log log, Key key, Path stateDir, Handler handler) {
            this.log = log;
            this.key = key;
            this.stateDir = stateDir;
            this.handler = handler;
        }

        /**
         * Is asked about a change that may have been made: after a crash, before the handler is called again, and when the
         * outcome is unknown.
         */
        public Builder readBack(ReadBack asked) {
            readBack = asked;
            return this;
        }

        /** Leaves changes to other types of objects alone. */
        public Builder types(Set<String> only) {
            types = Set.copyOf(only);
            return this;
        }

        /** How many changes are applied at once, one of each object; 16 if not set. */
        public Builder concurrency(int changes) {
            concurrency = changes;
            return this;
        }

        /** Is called with what became of each record and each change, from several threads. */
        public Builder onHandled(Consumer<Handled> called) {
            onHandled = called;
            return this;
        }

        /** How long handlers at work may take once the applier is closed; 5 s if not set. */
        public Builder finishWithin(Duration time) {
            finishWithin = time;
            return this;
        }

        /** How long the handler may work on one change, all its tries together; 15 min if not set. */
        public Builder timeLimit(Duration time) {
            timeLimit = time;
            return this;
        }

        public Applier build() {
            return new Applier(this);
        }
    }

    /**
     * Applies changes until {@link #close} is called; once. Kafka may be away in the meantime.
     *
     * <p>Throws LogDiffersException when the log is not the one that this applier has acted on, LossAcceptedException
     * after a loss was accepted, and IOException when its state folder cannot be used.
     */
    public void run() throws IOException, InterruptedException {
        if (!isStarted.compareAndSet(false, true)) {
            throw new IllegalStateException("an applier runs once: make another");
        }
        ScheduledExecutorService timers = Executors.newSingleThreadScheduledExecutor(daemons("assent-timer"));
        try (Journal journal = Journal.open(stateDir, log.identity());
                Publisher publisher = new Publisher(log, key, "/assent/applier/" + key.principal())) {
            Map<Integer, KeptHead> kept = journal.heads();
            LogComparison.check(log, kept, taking);
            publisher.tracker().catchUp(taking);
            publisher.tracker().checkReaches(kept);
            apply(journal, publisher, timers);
        } catch (TimeoutException stopped) {
            // It was closed before it had read the ledger.
        } finally {
            timers.shutdownNow();
            ended.countDown();
        }
    }

    private void apply(Journal journal, Publisher publisher, ScheduledExecutorService timers)
            throws IOException, InterruptedException {
        Application application = new Application(log, handler, readBack, timers, working);
        Settlement settlement = new Settlement(
                log, publisher, journal, application, timeLimit, onHandled, working);
        ChangesInHand inHand =
                new ChangesInHand(log, settlement, concurrency, onHandled, this::stop, taking, working);
        try {
            for (String request : journal.entries()) {
                inHand.begin(journal.change(request));
            }
            takeChanges(journal, publisher.tracker(), inHand);
        } catch (TimeoutException stopped) {
            // Nothing but the end of `taking` ends a wait without a limit.
        } finally {
            taking.end();
            inHand.finish(finishWithin.toNanos());
        }
        if (inHand.failure() instanceof RuntimeException failure) {
            throw failure;
        }
        if (inHand.failure() instanceof IOException failure) {
            throw failure;
        }
        journal.keepHeads(publisher.tracker().heads());
    }

    /**
     * Reads assent.changes from its beginning: seeing a change again does no harm, as the ledger states whether it still
     * waits.
     */
    private void takeChanges(Journal journal, Tracker tracker, ChangesInHand inHand)
            throws IOException, InterruptedException, TimeoutException {
        var partitions = Offsets.partitionsOf(Topics.CHANGES, log.partitions());
        // The topic forgets, and may be recreated: then it is read from its beginning.
        try (var consumer = log.clients().consumer("earliest")) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Deadline keep = Deadline.after(KEEP_HEADS);
            while (!taking.isOver()) {
                ConsumerRecords<byte[], byte[]> records = Log.poll(consumer, POLL);
                if (!records.isEmpty()) {
                    // A release is on the ledger before it is written here: after this, what is unknown is forged.
                    tracker.catchUp(taking);
                }
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    take(record, journal, tracker, inHand);
                }
                log.checkFollowed();
                inHand.takeUpParked(tracker);
                if (keep.isOver()) {
                    journal.keepHeads(tracker.heads());
                    keep = Deadline.after(KEEP_HEADS);
                }
            }
        }
    }

    private void take(
            ConsumerRecord<byte[], byte[]> record, Journal journal, Tracker tracker, ChangesInHand inHand)
            throws IOException, InterruptedException {
        Change change;
        try {
            change = Change.read(record.value());
        } catch (IllegalArgumentException unreadable) {
            onHandled.accept(new Handled(
                    Result.UNREADABLE, unreadable.getMessage(), "", "", record.partition(), record.offset()));
            return;
        }
        Tracker.Found found = tracker.find(change.request());
        Verdict verdict = Verdict.of(
                change, found == null ? null : found.request(), found == null ? "" : found.doubt(), types,
                inHand.has(change, found, taking));
        if (verdict != null) {
            onHandled.accept(new Handled(
                    verdict.result(), verdict.detail(), change.request(), change.resource(), record.partition(),
                    record.offset()));
            return;
        }
        journal.begin(change);
        inHand.begin(change);
    }

    private void stop() {
        taking.end();
        log.wakeUp();
    }

    /**
     * Stops {@link #run} and returns when it has returned. Handlers at work may finish, then they are interrupted. Not to
     * be called by a handler.
     */
    @Override
    public void close() {
        stop();
        if (isStarted.compareAndSet(false, true)) {
            ended.countDown(); // it never ran, and will not
        }
        boolean wasInterrupted = false;
        while (ended.getCount() > 0) {
            try {
                ended.await();
            } catch (InterruptedException later) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    static ThreadFactory daemons(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }
}
