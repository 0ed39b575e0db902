package assent;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Interrupts the thread that makes it when a time is over, unless it is closed before. After that the thread has no flag. */
final class Interruption implements AutoCloseable {
    private final Thread thread = Thread.currentThread();
    private final ScheduledExecutorService timers;
    private final WorkTime time;
    private Future<?> timer;
    private boolean isClosed;
    private boolean isDone;

    Interruption(ScheduledExecutorService timers, WorkTime time) {
        this.timers = timers;
        this.time = time;
        schedule();
    }

    private synchronized void schedule() {
        timer = timers.schedule(this::interrupt, time.endsNanos() - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    private synchronized void interrupt() {
        if (isClosed) {
            return;
        }
        if (time.left().isZero()) {
            isDone = true;
            thread.interrupt();
        } else {
            schedule(); // the lease was renewed
        }
    }

    /** Whether the thread was interrupted. */
    synchronized boolean isDone() {
        return isDone;
    }

    @Override
    public synchronized void close() {
        isClosed = true;
        timer.cancel(false);
        Thread.interrupted();
    }
}
