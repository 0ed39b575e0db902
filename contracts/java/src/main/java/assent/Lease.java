package assent;

import java.time.Duration;

/**
 * How long a granted claim holds, by the log's clock alone.
 *
 * <p>The decision on something that was sent at `sentNanos` was made at log time `logMs`, and not before: so log time now
 * is at most logMs and what has passed here since.
 *
 * @param deadline log time, ms
 * @param logMs log time, ms
 * @param sentNanos as {@link System#nanoTime} counts
 */
record Lease(long deadline, long logMs, long sentNanos) {
    private static final long LONGEST_MS = Duration.ofDays(365).toMillis();
    private static final long REPORT_NANOS = Duration.ofSeconds(10).toNanos();

    /** What is certainly left; not positive once it may have ended. */
    long leftNanos() {
        long ms = deadline <= logMs ? 0 : Math.min(deadline - logMs, LONGEST_MS);
        return sentNanos + Duration.ofMillis(ms).toNanos() - System.nanoTime();
    }

    boolean isOver() {
        return leftNanos() <= 0;
    }

    /** When the handler has to end: a tenth of what is left, 10 s at most, is for the report. */
    long handlerEndsNanos() {
        long left = Math.max(0, leftNanos());
        return System.nanoTime() + left - Math.min(left / 10, REPORT_NANOS);
    }
}
