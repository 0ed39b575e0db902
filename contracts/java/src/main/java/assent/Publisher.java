package assent;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Sends signed commands and returns their decisions. It serves many threads. */
public final class Publisher implements AutoCloseable {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(5);
    /** Refusals of a completion after which the ledger has more to state of the request. */
    private static final Set<String> NOT_YET = Set.of("not-approved", "not-pending", "outdated", "already-decided");

    private final Log log;
    private final Key key;
    private final String source;
    private final Tracker tracker;
    private final Producer<byte[], byte[]> producer;
    /** Kafka's producer blocks while it knows no broker, and nobody waits for it beyond a deadline. */
    private final ExecutorService senders = Executors.newCachedThreadPool(Applier.daemons("assent-sender"));

    /** An answer as it is, and when what it answers was sent ({@link System#nanoTime}). */
    record Answer(Decision decision, long sentNanos) {}

    private record Sent(Tracker.Place place, Tracker.Awaited<Decision> awaited, long nanos) {}

    /** Connects. `source` names the sender, as a URI such as {@code /team/deployments}; it is for people. */
    public Publisher(Log log, Key key, String source) {
        this.log = log;
        this.key = key;
        this.source = source;
        this.tracker = log.tracker();
        this.producer = log.clients().producer();
    }

    /** Disconnects. The log stays open. */
    @Override
    public void close() {
        senders.shutdownNow();
        producer.close(CLOSE_WITHIN);
    }

    /**
     * Submits a change and returns the decision, which names the request that it opened. Throws as {@link #send}.
     *
     * <p>To survive a crash, derive the submission's id from what you submit, such as a build number: if the same
     * submission was sent under it in the last 24 hours, by whatever process, this is that request and not a second one.
     */
    public Decision submit(Submission submission, Duration timeout) throws InterruptedException {
        return submit(submission, Deadline.after(timeout));
    }

    Decision submit(Submission submission, Deadline deadline) throws InterruptedException {
        Command command = Command.submit(key.principal(), submission);
        Decision decision = decide(command, deadline);
        Refusal refusal = decision.refusal();
        if (refusal != null && refusal.code().equals("id-reused") && refusal.decided() >= 0) {
            // The id was used at another time, so the bytes differ. Was it for the same change?
            AcceptedRecord first = recordAt(decision.partition(), refusal.decided(), command, deadline);
            boolean isSame = first.record().recordedCommand()
                    .filter(recorded -> isSameSubmission(recorded.value(), command.value())).isPresent();
            decision = isSame ? Decision.of(first).asRepeated() : decision;
        }
        return carriedOut(decision);
    }

    /** Whether two commands submit the same, made at different times. */
    private static boolean isSameSubmission(byte[] first, byte[] second) {
        try {
            return Submitted.read(first).isSameAs(Submitted.read(second));
        } catch (RefusedException notASubmission) {
            return false;
        }
    }

    private static Decision carriedOut(Decision decision) {
        if (decision.refusal() != null) {
            throw new RefusedException(decision.refusal());
        }
        return decision;
    }

    /**
     * Signs a command, sends it and waits for its decision: the accepted record whose input is the offset of the
     * command. While Kafka is away it sends the same bytes again.
     *
     * <p>Throws RefusedException for a refusal, and NotDecidedException when no decision came in time. In the second
     * case keep the command's bytes and send them again: you get the first decision that was made on them, however
     * often they were sent.
     */
    public Decision send(Command command, Duration timeout) throws InterruptedException {
        return send(command, Deadline.after(timeout));
    }

    Decision send(Command command, Deadline deadline) throws InterruptedException {
        return carriedOut(decide(command, deadline));
    }

    /** The first decision on a command, which may be a refusal. */
    private Decision decide(Command command, Deadline deadline) throws InterruptedException {
        Decision decision = ask(command, deadline).decision();
        OptionalLong repeated = decision.repeats();
        return repeated.isPresent() ? first(decision, repeated.getAsLong(), command, deadline) : decision;
    }

    /** Sends the exact bytes of a command that was made before, in this process or an earlier one. */
    public Decision resend(byte[] value, Duration timeout) throws InterruptedException {
        return send(Command.read(value), timeout);
    }

    /**
     * Waits until a request has ended and returns how. It may have ended long ago. Throws IllegalArgumentException for
     * a request that the ledger does not have.
     */
    public End follow(String request, Duration timeout) throws InterruptedException, TimeoutException {
        return tracker.endOf(Deadline.after(timeout), request, null);
    }

    /**
     * As {@link #follow}, for the requester: once the request is approved, it releases the change to the applier (R12). It
     * may have been approved, or have ended, long ago. Throws RefusedException if it is approved and cannot be completed.
     */
    public End waitApplied(String request, Duration timeout) throws InterruptedException, TimeoutException {
        Deadline deadline = Deadline.after(timeout);
        return tracker.endOf(deadline, request, approved -> {
            Command completion =
                    Command.complete(key.principal(), approved.resource(), request, approved.submission());
            try {
                send(completion, deadline);
            } catch (RefusedException refused) {
                if (!NOT_YET.contains(refused.refusal().code())) {
                    throw refused;
                }
            } catch (NotDecidedException late) {
                throw Log.timeout(late);
            }
        });
    }

    /**
     * Submits a set of changes and returns once the ledger has all its members (R29): it is approved as one, and released
     * as a whole or not at all.
     *
     * <p>`set` is the set's own submission: its resource has the type of all its objects and is none of them, its details
     * are for approvers, its payload and base are not used. Without notAfter it can be applied for 30 days, which is the
     * most. With an id, state notAfter too, so that the same call finds the same set. `changes`: 1 to 1,000, each object once. `timeout`: for all of it.
     *
     * <p>Throws as {@link #send}. If a member is refused, the set is canceled, and the exception names the object. A set of
     * which not all members are there expires within an hour, and nothing is changed.
     */
    public SubmittedSet submitSet(Submission set, List<SetChange> changes, Duration timeout) throws InterruptedException {
        return new SetSubmission(this, set, changes, Deadline.after(timeout)).submit();
    }

    Key key() {
        return key;
    }

    Tracker tracker() {
        return tracker;
    }

    /** Sends a command and returns the answer as it is. Throws NotDecidedException. */
    Answer ask(Command command, Deadline deadline) throws InterruptedException {
        try {
            Sent sent = sendAndRegister(command, deadline);
            return new Answer(tracker.answer(deadline, sent.place(), sent.awaited()), sent.nanos());
        } catch (TimeoutException | KafkaException cause) {
            throw new NotDecidedException(command, cause);
        }
    }

    private Sent sendAndRegister(Command command, Deadline deadline) throws InterruptedException, TimeoutException {
        tracker.expect();
        try {
            return log.retrying(deadline, () -> {
                long nanos = System.nanoTime();
                RecordMetadata stored = produce(record(command), deadline);
                Tracker.Place place = new Tracker.Place(stored.partition(), stored.offset());
                return new Sent(place, tracker.register(place), nanos);
            });
        } finally {
            tracker.expectNoMore();
        }
    }

    /** Waits for the broker's acknowledgement, but not longer than the deadline. Throws KafkaException. */
    private RecordMetadata produce(ProducerRecord<byte[], byte[]> record, Deadline deadline) {
        Future<RecordMetadata> acknowledged = senders.submit(() -> producer.send(record).get());
        try {
            return acknowledged.get(deadline.leftNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failed) {
            Throwable cause = failed.getCause() instanceof ExecutionException inner ? inner.getCause() : failed.getCause();
            throw cause instanceof KafkaException known ? known : new KafkaException(cause);
        } catch (TimeoutException late) {
            acknowledged.cancel(true);
            throw new org.apache.kafka.common.errors.TimeoutException("no acknowledgement in time", late);
        } catch (InterruptedException stopped) {
            acknowledged.cancel(true);
            throw new org.apache.kafka.common.errors.InterruptException(stopped);
        }
    }

    private ProducerRecord<byte[], byte[]> record(Command command) {
        byte[] resource = command.resource().getBytes(StandardCharsets.UTF_8);
        List<Header> headers = List.of(
                header("ce_specversion", "1.0"), header("ce_type", command.type()), header("ce_source", source),
                header("ce_id", command.id()), header("ce_time", TIME.format(Instant.ofEpochMilli(command.at()))),
                header("content-type", "application/json"), header(Signatures.HEADER_KEY, key.id()),
                header(Signatures.HEADER_SIGNATURE, key.sign(log.identity(), command.value())));
        int partition = Partitions.partitionFor(resource, log.partitions());
        return new ProducerRecord<>(Topics.COMMANDS, partition, resource, command.value(), headers);
    }

    private static Header header(String name, String value) {
        return new RecordHeader(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Reads the decision that a repeated command points at. */
    private Decision first(Decision answer, long seq, Command command, Deadline deadline)
            throws InterruptedException {
        if (seq < 0 || seq >= answer.seq()) {
            throw new UnreadableLedgerException(
                    "record " + answer.seq() + " points at record " + seq + ", which is not before it");
        }
        AcceptedRecord accepted = recordAt(answer.partition(), seq, command, deadline);
        boolean isOther = accepted.record().recordedCommand()
                .filter(recorded -> !Arrays.equals(recorded.value(), command.value())).isPresent();
        if (isOther) {
            throw new UnreadableLedgerException("record " + seq + " is the decision on another command");
        }
        return Decision.of(accepted).asRepeated();
    }

    private AcceptedRecord recordAt(int partition, long seq, Command command, Deadline deadline)
            throws InterruptedException {
        try {
            return LedgerReader.find(log, partition, seq, deadline);
        } catch (TimeoutException | KafkaException cause) {
            throw new NotDecidedException(command, cause);
        }
    }
}
