package assent;

import java.time.Duration;

/** The time that a handler has: until its lease ends, which may be renewed, and until a limit. Threads share it. */
final class WorkTime {
    private final long limitNanos;
    private Lease lease;
    private long endsNanos;

    /** `limit`: from now on, for all tries together. */
    WorkTime(Lease lease, Duration limit) {
        this.limitNanos = System.nanoTime() + limit.toNanos();
        renew(lease);
    }

    synchronized Lease lease() {
        return lease;
    }

    synchronized void renew(Lease renewed) {
        lease = renewed;
        long leaseEnds = renewed.handlerEndsNanos();
        endsNanos = leaseEnds - limitNanos < 0 ? leaseEnds : limitNanos;
    }

    /** When the handler has to end if the lease is not renewed, as {@link System#nanoTime} counts. */
    synchronized long endsNanos() {
        return endsNanos;
    }

    /** What is left if the lease is always renewed. */
    long atMostNanos() {
        return limitNanos - System.nanoTime();
    }

    Duration left() {
        return Duration.ofNanos(Math.max(0, endsNanos() - System.nanoTime()));
    }
}
