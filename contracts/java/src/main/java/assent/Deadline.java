package assent;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Until when something is waited for, by this machine's monotonic clock. It can be ended early. */
final class Deadline {
    private final boolean isNever;
    private final long atNanos;
    private volatile boolean isEnded;

    private Deadline(boolean isNever, long atNanos) {
        this.isNever = isNever;
        this.atNanos = atNanos;
    }

    static Deadline after(Duration time) {
        // More than a century of nanoseconds does not fit.
        boolean isNever = time.compareTo(Duration.ofDays(36_500)) > 0;
        return new Deadline(isNever, isNever ? 0 : System.nanoTime() + time.toNanos());
    }

    static Deadline never() {
        return new Deadline(true, 0);
    }

    void end() {
        isEnded = true;
    }

    boolean isOver() {
        return leftNanos() <= 0;
    }

    /** What is left, at most an hour. */
    long leftNanos() {
        long most = TimeUnit.HOURS.toNanos(1);
        if (isEnded) {
            return 0;
        }
        return isNever ? most : Math.max(0, Math.min(most, atNanos - System.nanoTime()));
    }

    Duration left() {
        return Duration.ofNanos(leftNanos());
    }
}
