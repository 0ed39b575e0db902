package assent;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RetriableException;

/** A log whose governance is followed: which keys may seal it. Close it at the end. */
public final class Log implements AutoCloseable {
    private static final TopicPartition GOVERNANCE = new TopicPartition(Topics.GOVERNANCE, 0);
    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_MOST = Duration.ofSeconds(30);

    private final Identity identity;
    private final KafkaClients clients;
    private final Offsets offsets;
    private final Thread follower;
    private volatile boolean isClosed;

    // Everything below, and in the tracker, is guarded by the lock.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private final Writers writers = new Writers();
    private long readTo;
    private RuntimeException failure;
    private Tracker tracker;

    Log(Identity identity, KafkaClients clients) {
        this.identity = identity;
        this.clients = clients;
        this.offsets = new Offsets(clients.consumer("none"));
        this.follower = new Thread(this::follow, "assent-governance");
        this.follower.setDaemon(true);
    }

    /** Connects, reads governance to its end and follows it in the background. */
    public static Log connect(Config config, Duration timeout) throws InterruptedException, TimeoutException {
        return connect(config.identity(), KafkaClients.of(config), timeout);
    }

    /** Connects within 30 s. */
    public static Log connect(Config config) throws InterruptedException, TimeoutException {
        return connect(config, Duration.ofSeconds(30));
    }

    static Log connect(Identity identity, KafkaClients clients, Duration timeout)
            throws InterruptedException, TimeoutException {
        Log log = new Log(identity, clients);
        try {
            log.start(Deadline.after(timeout));
            return log;
        } catch (RuntimeException | InterruptedException | TimeoutException failed) {
            log.close();
            throw failed;
        }
    }

    private void start(Deadline deadline) throws InterruptedException, TimeoutException {
        follower.start();
        retrying(deadline, () -> {
            offsets.checkBeginnings(Topics.GOVERNANCE, 1);
            return null;
        });
        catchUp(deadline);
        if (partitions() < 1) {
            throw new NotFoundedException();
        }
    }

    /** Disconnects. Publishers and appliers of this log end with it. */
    @Override
    public void close() {
        isClosed = true;
        fail(new IllegalStateException("the log is closed"));
        join(follower);
        Tracker started = locked(() -> tracker);
        if (started != null) {
            started.join();
        }
        offsets.close();
    }

    static void join(Thread thread) {
        boolean wasInterrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException later) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    public Identity identity() {
        return identity;
    }

    /** How many partitions of requests the log was founded with. */
    public int partitions() {
        return locked(writers::partitions);
    }

    boolean isClosed() {
        return isClosed;
    }

    Offsets offsets() {
        return offsets;
    }

    KafkaClients clients() {
        return clients;
    }

    /** Guarded by the lock. */
    Writers writers() {
        return writers;
    }

    List<Loss> losses() {
        return locked(writers::losses);
    }

    long governance() {
        return locked(writers::head);
    }

    /** What follows the ledger for all publishers and appliers of this log; it is started with the first. */
    Tracker tracker() {
        return locked(() -> {
            if (tracker == null) {
                tracker = new Tracker(this);
                tracker.start();
            }
            return tracker;
        });
    }

    private void follow() {
        Acceptance rule = new Acceptance(Acceptance.GOVERNANCE, 0, identity, writers);
        try (Consumer<byte[], byte[]> consumer = clients.consumer("none")) {
            consumer.assign(List.of(GOVERNANCE));
            consumer.seek(GOVERNANCE, 0);
            while (!isClosed) {
                ConsumerRecords<byte[], byte[]> records = poll(consumer, POLL);
                locked(() -> {
                    for (ConsumerRecord<byte[], byte[]> record : records) {
                        rule.offer(record.offset(), record.value(), record.headers())
                                .forEach(accepted -> writers.apply(accepted.record()));
                    }
                    readTo = nextOffsets(records).getOrDefault(0, readTo);
                    moved.signalAll();
                    return null;
                });
            }
        } catch (RuntimeException cause) {
            fail(cause);
        }
    }

    /** Polls, and names an offset that is not there for what it is: a log that was cut. */
    static ConsumerRecords<byte[], byte[]> poll(Consumer<byte[], byte[]> consumer, Duration timeout) {
        try {
            return consumer.poll(timeout);
        } catch (OffsetOutOfRangeException cut) {
            throw new LogDiffersException(cut.offsetOutOfRangePartitions().keySet() + " was cut");
        }
    }

    /** The offsets from which reading goes on, by partition: past control records too. */
    static Map<Integer, Long> nextOffsets(ConsumerRecords<byte[], byte[]> records) {
        Map<Integer, Long> next = new HashMap<>();
        records.nextOffsets().forEach((partition, offset) -> next.put(partition.partition(), offset.offset()));
        return next;
    }

    <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    /** Lets every thread look again that waits for something to change. */
    void wakeUp() {
        locked(() -> {
            moved.signalAll();
            return null;
        });
    }

    void fail(RuntimeException cause) {
        locked(() -> {
            if (failure == null) {
                failure = cause;
            }
            moved.signalAll();
            return null;
        });
    }

    /** Throws what reading the log has failed with. */
    void checkFollowed() {
        locked(() -> {
            if (failure != null) {
                throw failure;
            }
            return null;
        });
    }

    /** Waits until it holds, which is asked under the lock. Throws what reading the log has failed with. */
    void until(Deadline deadline, BooleanSupplier holds) throws InterruptedException, TimeoutException {
        lock.lockInterruptibly();
        try {
            while (!holds.getAsBoolean()) {
                if (failure != null) {
                    throw failure;
                }
                if (deadline.isOver()) {
                    throw new TimeoutException("it took too long");
                }
                moved.awaitNanos(deadline.leftNanos());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns when all of governance that is there now has been read. */
    void catchUp(Deadline deadline) throws InterruptedException, TimeoutException {
        long end = retrying(deadline, () -> offsets.ends(Topics.GOVERNANCE, 1, deadline)).get(0);
        until(deadline, () -> readTo >= end);
    }

    /** Does something with Kafka until it succeeds: Kafka may be away in the meantime. */
    <T> T retrying(Deadline deadline, Supplier<T> action) throws InterruptedException, TimeoutException {
        for (Duration pause = RETRY_FIRST; ; pause = min(pause.multipliedBy(2), RETRY_MOST)) {
            try {
                return action.get();
            } catch (InterruptException interrupted) {
                // Kafka has set the flag of the thread again.
                Thread.interrupted();
                throw new InterruptedException("interrupted while waiting for Kafka");
            } catch (RetriableException away) {
                if (deadline.isOver()) {
                    throw timeout(away);
                }
                rest(deadline, pause);
            }
        }
    }

    static TimeoutException timeout(RuntimeException cause) {
        TimeoutException timeout = new TimeoutException("Kafka did not answer in time: " + cause.getMessage());
        timeout.initCause(cause);
        return timeout;
    }

    /** Waits for a time, or until the deadline is over. */
    void rest(Deadline deadline, Duration time) throws InterruptedException {
        Deadline rested = Deadline.after(min(time, deadline.left()));
        try {
            until(rested, deadline::isOver);
        } catch (TimeoutException isRested) {
            // That was awaited.
        }
    }

    private static Duration min(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
