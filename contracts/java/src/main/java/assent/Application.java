package assent;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;

/** Calls a handler, and makes an outcome of what it returns or throws. */
final class Application {
    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_MOST = Duration.ofSeconds(30);

    private final Log log;
    private final Handler handler;
    private final ReadBack readBack;
    private final ScheduledExecutorService timers;
    private final Deadline working;

    /** `readBack` may be null; `working` ends when the applier is to stop. */
    Application(Log log, Handler handler, ReadBack readBack, ScheduledExecutorService timers, Deadline working) {
        this.log = log;
        this.handler = handler;
        this.readBack = readBack;
        this.timers = timers;
        this.working = working;
    }

    /**
     * Calls the handler until it throws something else than RetryableException, or its time is over.
     *
     * @param wasBegun whether the change may have been applied before a crash
     */
    Outcome apply(Release release, boolean wasBegun) throws InterruptedException, StoppedException {
        for (Duration pause = RETRY_FIRST; ; pause = shorter(pause.multipliedBy(2), RETRY_MOST)) {
            RetryableException again;
            try (Interruption interruption = new Interruption(timers, release.deadlineNanos())) {
                try {
                    return succeeded(handler.apply(release));
                } catch (RetryableException retryable) {
                    again = retryable;
                } catch (FinalException never) {
                    return Outcome.unchanged(textOf(never));
                } catch (Throwable other) {
                    // An Error states no more about the target than an exception does.
                    stopIfToldTo();
                    return unknown(other, interruption.isDone());
                }
            }
            stopIfToldTo();
            Duration wait = longer(pause, again.retryAfter());
            if (release.remaining().compareTo(wait) <= 0) {
                return wasBegun ? unknown(again, false) : Outcome.unchanged(textOf(again));
            }
            log.rest(working, wait);
            stopIfToldTo();
        }
    }

    /** What is known of a change that may have been applied before a crash; null if it was not, or may not have been. */
    Outcome readBack(Release release) throws StoppedException {
        if (readBack == null) {
            return null;
        }
        try {
            Optional<Applied> found = readBack.read(release);
            return found.isEmpty() ? null : succeeded(found.get());
        } catch (FinalException never) {
            return Outcome.unchanged(textOf(never));
        } catch (Throwable other) {
            stopIfToldTo();
            return unknown(other, false);
        }
    }

    private void stopIfToldTo() throws StoppedException {
        if (working.isOver()) {
            throw new StoppedException();
        }
    }

    private static Outcome succeeded(Applied applied) {
        return new Outcome(Result.SUCCEEDED, applied == null ? "" : applied.message());
    }

    private static Outcome unknown(Throwable cause, boolean isLate) {
        String late = isLate ? "The handler was not done before the lease ended: " : "";
        return new Outcome(Result.UNKNOWN, late + textOf(cause));
    }

    /** The message; with the name of the class where the exception is not one of a handler's answers. */
    private static String textOf(Throwable cause) {
        boolean isAnswer = cause instanceof FinalException || cause instanceof RetryableException
                || cause instanceof UnknownOutcomeException;
        return isAnswer ? String.valueOf(cause.getMessage()) : cause.toString();
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }
}
