package assent;

import java.time.Duration;

/**
 * A released change that was claimed here, and what makes its effect happen once.
 *
 * @param claim the number of the claim: the ledger seq of its record. Of two claims to one object the later one has the
 *     higher number, so a target that remembers the highest can refuse an applier whose lease has ended.
 * @param idempotencyKey the same on every try to apply this release, and different for every other release of every
 *     log: give it to the target, or look there for what was done
 * @param deadlineNanos when the handler is interrupted, before the lease ends, as {@link System#nanoTime} counts
 */
public record Release(Change change, long claim, String idempotencyKey, long deadlineNanos) {
    /** How long the handler may still take; zero once that time is over. */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, deadlineNanos - System.nanoTime()));
    }
}
