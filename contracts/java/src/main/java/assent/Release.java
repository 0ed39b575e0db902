package assent;

import java.time.Duration;
import java.util.List;

/** A released change that was claimed here, and what makes its effect happen once. */
public final class Release {
    private final Change change;
    private final long claim;
    private final String idempotencyKey;
    private final List<String> earlierKeys;
    private final List<String> approvers;
    private final WorkTime time;

    Release(
            Change change, long claim, String idempotencyKey, List<String> earlierKeys, List<String> approvers,
            WorkTime time) {
        this.change = change;
        this.claim = claim;
        this.idempotencyKey = idempotencyKey;
        this.earlierKeys = earlierKeys;
        this.approvers = approvers;
        this.time = time;
    }

    public Change change() {
        return change;
    }

    /**
     * The number of the claim: the ledger seq of its record. Of two claims to one object the later one has the higher
     * number, so a target that remembers the highest can refuse an applier whose lease has ended.
     */
    public long claim() {
        return claim;
    }

    /**
     * The same on every try to apply this release, and different for every other release of every log: give it to the
     * target, or look there for what was done.
     */
    public String idempotencyKey() {
        return idempotencyKey;
    }

    /**
     * The keys of earlier releases of this request: people had it applied again, as its outcome was unknown. A target that
     * has one of them has made the change.
     */
    public List<String> earlierKeys() {
        return earlierKeys;
    }

    /** The accounts whose approvals led to the release. A member of a set has none: the set has them. */
    public List<String> approvers() {
        return approvers;
    }

    /** How long the handler may still take if the lease is not renewed any more; zero once that time is over. */
    public Duration remaining() {
        return time.left();
    }

    WorkTime time() {
        return time;
    }
}
