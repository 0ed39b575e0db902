package assent;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** An applier in a thread of its own, and what it did. */
final class RunningApplier implements AutoCloseable {
    private final Log log;
    private final Applier applier;
    private final List<Handled> handled = new ArrayList<>();
    private final List<Release> calls = new ArrayList<>();
    private final CompletableFuture<Throwable> ended = new CompletableFuture<>();
    private boolean isStarted;

    RunningApplier(FakeLog fake, Path state, Handler handler) throws Exception {
        this(fake, state, handler, builder -> builder);
    }

    RunningApplier(FakeLog fake, Path state, Handler handler, UnaryOperator<Applier.Builder> more) throws Exception {
        this.log = fake.connect();
        Handler noting = release -> {
            synchronized (this) {
                calls.add(release);
            }
            return handler.apply(release);
        };
        Applier.Builder builder = Applier.builder(log, FakeLog.key("applier-key", "applier"), state, noting)
                .finishWithin(Duration.ofMillis(200)).onHandled(this::note);
        this.applier = more.apply(builder).build();
    }

    private synchronized void note(Handled done) {
        handled.add(done);
        notifyAll();
    }

    /** Submits a change as alice; the request. */
    String submit(String resource) throws Exception {
        try (Publisher publisher = new Publisher(log, FakeLog.key("alice-key", "alice"), "/tests")) {
            return publisher.submit(FakeLog.submission(resource), FakeLog.SOON).request().orElseThrow();
        }
    }

    /** Stops an applier while its handler is at work; the request. */
    static String stoppedAtWork(FakeLog fake, Path state) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        Handler hanging = release -> {
            begun.countDown();
            new CountDownLatch(1).await();
            return new Applied();
        };
        try (RunningApplier applier = new RunningApplier(fake, state, hanging)) {
            String request = applier.submit("app/payroll");
            applier.start();
            begun.await();
            applier.stop();
            assertNull(fake.outcome(request), "nothing is reported");
            return request;
        }
    }

    RunningApplier start() {
        isStarted = true;
        Thread thread = new Thread(() -> {
            try {
                applier.run();
                ended.complete(null);
            } catch (Throwable cause) {
                ended.complete(cause);
            }
        });
        thread.start();
        return this;
    }

    /** Waits for a result on a request. */
    synchronized Handled await(String request, Result result) throws InterruptedException {
        for (Deadline deadline = Deadline.after(FakeLog.SOON); !deadline.isOver() && !ended.isDone();) {
            for (Handled each : handled) {
                if (each.request().equals(request) && each.result() == result) {
                    return each;
                }
            }
            wait(Math.max(1, Math.min(1_000, deadline.left().toMillis())));
        }
        return fail(request + " did not come to " + result + ": " + handled + ", ended " + ended);
    }

    synchronized int calls() {
        return calls.size();
    }

    synchronized List<Release> releases() {
        return List.copyOf(calls);
    }

    /** What run() has thrown, once it has returned by itself; null for nothing. */
    Throwable ended() throws Exception {
        return ended.get(30, TimeUnit.SECONDS);
    }

    /** Stops it; it must not have failed. */
    void stop() throws Exception {
        applier.close();
        if (isStarted && ended() != null) {
            fail(ended());
        }
    }

    @Override
    public void close() {
        applier.close();
        log.close();
    }
}
