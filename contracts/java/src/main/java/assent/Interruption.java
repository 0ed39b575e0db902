package assent;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Interrupts the thread that makes it at a time, unless it is closed before. After that the thread has no flag. */
final class Interruption implements AutoCloseable {
    private final Thread thread = Thread.currentThread();
    private final Future<?> timer;
    private boolean isClosed;
    private boolean isDone;

    Interruption(ScheduledExecutorService timers, long atNanos) {
        timer = timers.schedule(this::interrupt, atNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    private synchronized void interrupt() {
        if (!isClosed) {
            isDone = true;
            thread.interrupt();
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
