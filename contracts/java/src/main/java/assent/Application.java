package assent;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;

/** Calls a handler, and makes an outcome of what it returns or throws. */
final class Application {
    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_MOST = Duration.ofSeconds(30);
    private static final Duration READ_BACK = Duration.ofMinutes(1);

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

    boolean readsBack() {
        return readBack != null;
    }

    /**
     * Calls the handler until it throws something else than RetryableException, or its time is over.
     *
     * @param isCutOff whether an earlier call may have been cut off after it had changed the target. Of that one a later
     *     call's exception states nothing.
     */
    Outcome apply(Release release, boolean isCutOff) throws InterruptedException, StoppedException {
        for (Duration pause = RETRY_FIRST; ; pause = shorter(pause.multipliedBy(2), RETRY_MOST)) {
            RetryableException again;
            try (Interruption interruption = new Interruption(timers, release.time())) {
                try {
                    return Outcome.succeeded(handler.apply(release));
                } catch (RetryableException retryable) {
                    again = retryable;
                } catch (FinalException never) {
                    return unchanged(never, isCutOff);
                } catch (Throwable other) {
                    // An Error states no more about the target than an exception does.
                    stopIfToldTo();
                    return unknown(other, interruption.isDone());
                }
            }
            stopIfToldTo();
            Duration wait = longer(pause, again.retryAfter());
            if (release.time().atMostNanos() <= wait.toNanos()) {
                return unchanged(again, isCutOff);
            }
            log.rest(working, wait);
            stopIfToldTo();
            if (release.remaining().isZero()) {
                return unchanged(again, isCutOff);
            }
        }
    }

    /** What is known of a change that may have been made; null if it was not, or the target cannot be asked. */
    Outcome readBack(Release release) throws InterruptedException, StoppedException {
        if (readBack == null) {
            return null;
        }
        Deadline deadline = Deadline.after(READ_BACK);
        for (Duration pause = RETRY_FIRST; ; pause = shorter(pause.multipliedBy(2), RETRY_MOST)) {
            RetryableException again;
            try {
                Optional<Applied> found = readBack.read(release);
                return found.isEmpty() ? null : Outcome.succeeded(found.get());
            } catch (RetryableException retryable) {
                again = retryable;
            } catch (Throwable other) {
                stopIfToldTo();
                return unknown(other, false);
            }
            stopIfToldTo();
            Duration wait = longer(pause, again.retryAfter());
            if (deadline.left().compareTo(wait) <= 0) {
                return Outcome.unknown("The target did not state whether the change was made: " + again.getMessage());
            }
            log.rest(working, wait);
            stopIfToldTo();
        }
    }

    private void stopIfToldTo() throws StoppedException {
        if (working.isOver()) {
            throw new StoppedException();
        }
    }

    private static Outcome unchanged(Exception answer, boolean isCutOff) {
        return isCutOff
                ? Outcome.unknown("An earlier try was cut off and may have changed the target. " + answer.getMessage())
                : Outcome.unchanged(String.valueOf(answer.getMessage()));
    }

    private static Outcome unknown(Throwable cause, boolean isLate) {
        if (cause instanceof UnknownOutcomeException) {
            return Outcome.unknown(String.valueOf(cause.getMessage()));
        }
        if (isLate) {
            return new Outcome(
                    Result.UNKNOWN, "The applier's handler was not done before its time was over.", "", cause.toString());
        }
        // The text of an exception that is not an answer may hold what the ledger must not keep.
        String message = "The applier's handler threw " + cause.getClass().getSimpleName() + ". Its log has the details.";
        return new Outcome(Result.UNKNOWN, message, "", cause.toString());
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }
}
