package assent;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/**
 * Follows the whole ledger of requests of a log: the open requests, and the answers that are awaited. Everything in it
 * is guarded by the log's lock.
 */
final class Tracker {
    /** Where a command is on assent.commands. */
    record Place(int partition, long offset) {}

    /** Something that is awaited; value is null until it is there. */
    static final class Awaited<T> {
        private T value;
    }

    /** An open request, and why nothing of it may be applied; empty if there is no reason. */
    record Found(OpenRequest request, String doubt) {}

    /** How many answers are kept while an acknowledgement may still be on its way. */
    static final int EARLY_MAX = 10_000;

    private final Log log;
    private final Thread follower = new Thread(this::follow, "assent-ledger");
    private final List<RequestFold> folds = new ArrayList<>();
    private final Map<Integer, Long> heardTo = new HashMap<>();
    private Map<Integer, Head> heads = Map.of();
    private String era = Loss.FIRST_ERA;
    private List<Loss> losses = List.of();

    private int sending;
    private final Map<Place, Decision> early = new HashMap<>();
    private final Deque<Place> order = new ArrayDeque<>();
    private final Map<Place, Awaited<Decision>> waiting = new HashMap<>();
    private final Map<String, Awaited<End>> ends = new HashMap<>();

    Tracker(Log log) {
        this.log = log;
        this.follower.setDaemon(true);
        SetReleases sets = new SetReleases();
        for (int partition = 0; partition < log.partitions(); partition++) {
            folds.add(new RequestFold(partition, sets, this::requestEnded));
        }
    }

    void start() {
        follower.start();
    }

    void join() {
        Log.join(follower);
    }

    private void follow() {
        try (LedgerReader reader = log.retrying(Deadline.never(), () -> new LedgerReader(log))) {
            while (!log.isClosed()) {
                List<AcceptedRecord> accepted = reader.poll(Duration.ofMillis(250));
                log.locked(() -> {
                    accepted.forEach(this::take);
                    for (int partition = 0; partition < folds.size(); partition++) {
                        heardTo.put(partition, reader.readTo(partition));
                    }
                    heads = reader.heads();
                    era = reader.era();
                    losses = reader.losses();
                    return null;
                });
                log.wakeUp();
            }
        } catch (InterruptedException | TimeoutException unexpected) {
            log.fail(new IllegalStateException("reading the ledger was interrupted", unexpected));
        } catch (RuntimeException cause) {
            log.fail(cause);
        }
    }

    /** Moves past the next accepted record of the ledger. */
    void take(AcceptedRecord accepted) {
        folds.get(accepted.partition()).take(accepted);
        if (accepted.record().input() < 0) {
            return;
        }
        Place at = new Place(accepted.partition(), accepted.record().input());
        Awaited<Decision> awaited = waiting.remove(at);
        if (awaited != null) {
            awaited.value = Decision.of(accepted);
        } else if (sending > 0) {
            early.put(at, Decision.of(accepted));
            order.add(at);
            if (order.size() > EARLY_MAX) {
                early.remove(order.remove());
            }
        }
    }

    private void requestEnded(End end) {
        Awaited<End> awaited = ends.remove(end.request());
        if (awaited != null) {
            awaited.value = end;
        }
    }

    /** Called before a command is sent: its answer may be read before the broker has acknowledged it. */
    void expect() {
        log.locked(() -> sending++);
    }

    /** Called once the answer is registered, or will never be. */
    void expectNoMore() {
        log.locked(() -> {
            sending--;
            if (sending == 0) {
                early.clear();
                order.clear();
            }
            return null;
        });
    }

    /** Awaits the decision on the command at a place, from now on. */
    Awaited<Decision> register(Place at) {
        return log.locked(() -> {
            Awaited<Decision> awaited = new Awaited<>();
            awaited.value = early.get(at);
            if (awaited.value == null) {
                waiting.put(at, awaited);
            }
            return awaited;
        });
    }

    /** Waits for a decision that is awaited. */
    Decision answer(Deadline deadline, Place at, Awaited<Decision> awaited)
            throws InterruptedException, TimeoutException {
        try {
            log.until(deadline, () -> awaited.value != null);
            return awaited.value;
        } finally {
            log.locked(() -> waiting.remove(at));
        }
    }

    /** Returns when everything that is on the ledger now has been read. */
    void catchUp(Deadline deadline) throws InterruptedException, TimeoutException {
        Map<Integer, Long> all =
                log.retrying(deadline, () -> log.offsets().ends(Topics.LEDGER, folds.size(), deadline));
        log.until(deadline, () -> all.entrySet().stream()
                .allMatch(end -> heardTo.getOrDefault(end.getKey(), 0L) >= end.getValue()));
    }

    /** An open request; null if it is not open. */
    Found find(String request) {
        RequestId id = RequestId.parse(request);
        if (id == null || id.partition() >= folds.size()) {
            return null;
        }
        return log.locked(() -> {
            RequestFold fold = folds.get(id.partition());
            OpenRequest found = fold.find(request);
            return found == null ? null : new Found(found, fold.doubt(found));
        });
    }

    /** How far each partition was read and accepted. */
    Map<Integer, KeptHead> heads() {
        return log.locked(() -> {
            Map<Integer, KeptHead> kept = new HashMap<>();
            heads.forEach((partition, head) -> kept.put(partition, new KeptHead(head, era)));
            return kept;
        });
    }

    /**
     * Compares the records that count with what the journal knows. A partition that has the records, of which fewer
     * count than before, is judged by a governance that was cut. Throws LogDiffersException.
     */
    void checkReaches(Map<Integer, KeptHead> kept) {
        log.locked(() -> {
            kept.forEach((partition, known) -> {
                Head head = heads.get(partition);
                boolean isReached = head != null && head.seq() >= known.head().seq();
                if (!isReached && Loss.since(known.era(), losses).isEmpty()) {
                    throw new LogDiffersException(Topics.LEDGER + "/" + partition + " was read up to record "
                            + known.head().seq() + ", and no longer counts so far");
                }
            });
            return null;
        });
    }

    /** What is done with a request that is approved. */
    interface OnApproved {
        void complete(OpenRequest approved) throws InterruptedException, TimeoutException;
    }

    /**
     * Waits for the end of a request, which may have ended long ago. `onApproved`, which may be null, is called whenever it
     * is approved, and at first if it already is.
     */
    End endOf(Deadline deadline, String request, OnApproved onApproved) throws InterruptedException, TimeoutException {
        RequestId id = RequestId.parse(request);
        if (id == null || id.partition() >= folds.size()) {
            throw new IllegalArgumentException(
                    "\"" + request + "\" is not a request id of this log: it is <partition>-<seq>");
        }
        catchUp(deadline);
        Awaited<End> awaited = log.locked(() -> folds.get(id.partition()).find(request) == null
                ? null
                : ends.computeIfAbsent(request, name -> new Awaited<>()));
        if (awaited == null) {
            return pastEnd(deadline, id, request);
        }
        for (long asked = -1; ; ) {
            long before = asked;
            log.until(deadline, () -> awaited.value != null
                    || onApproved != null && approvedAfter(before, id, request) != null);
            OpenRequest approved = log.locked(() -> awaited.value == null ? approvedAfter(before, id, request) : null);
            if (approved == null) {
                if (awaited.value != null) {
                    return awaited.value;
                }
                continue; // it was reopened just now
            }
            asked = approved.approved();
            onApproved.complete(approved);
        }
    }

    /** The request, if it is approved and was so by a record after this one; else null. */
    private OpenRequest approvedAfter(long seq, RequestId id, String request) {
        OpenRequest found = folds.get(id.partition()).find(request);
        boolean isApproved = found != null && found.state() == OpenRequest.State.APPROVED;
        return isApproved && found.approved() > seq ? found : null;
    }

    /** Reads the partition again for the end of a request that is not open. */
    private End pastEnd(Deadline deadline, RequestId id, String request)
            throws InterruptedException, TimeoutException {
        List<End> found = new ArrayList<>();
        RequestFold fold = new RequestFold(id.partition(), new SetReleases(), end -> {
            if (end.request().equals(request)) {
                found.add(end);
            }
        });
        long stop = log.retrying(deadline, () -> log.offsets().ends(Topics.LEDGER, folds.size(), deadline))
                .get(id.partition());
        try (LedgerReader reader = log.retrying(deadline, () -> new LedgerReader(log, id.partition()))) {
            while (found.isEmpty() && reader.readTo(id.partition()) < stop) {
                if (deadline.isOver()) {
                    throw new TimeoutException("the end of request " + request + " was not read in time");
                }
                reader.poll(LedgerReader.shortest(deadline)).forEach(fold::take);
            }
        }
        if (found.isEmpty()) {
            throw new IllegalArgumentException("the ledger has no request " + request + ": record " + id.seq()
                    + " of partition " + id.partition() + " is not a submission");
        }
        return found.get(0);
    }
}
