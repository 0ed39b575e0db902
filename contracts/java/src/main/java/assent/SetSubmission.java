package assent;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Submits one set, and its members some at once. */
final class SetSubmission {
    private static final int AT_ONCE = 32;
    private static final long AHEAD_MOST_MS = 30L * 24 * 60 * 60 * 1_000;
    private static final long CLOCK_AHEAD_MS = 5L * 60 * 1_000;

    private final Publisher publisher;
    private final Submission set;
    private final List<SetChange> changes;
    private final Deadline deadline;

    SetSubmission(Publisher publisher, Submission set, List<SetChange> changes, Deadline deadline) {
        this.publisher = publisher;
        this.changes = List.copyOf(changes);
        this.deadline = deadline;
        Details details = set.details().withBase("").withMembers(changes.size());
        if (details.notAfter() == null) {
            details = details.withWindow(
                    details.notBefore(), System.currentTimeMillis() + AHEAD_MOST_MS - CLOCK_AHEAD_MS);
        }
        this.set = new Submission(
                set.resource(), set.operation(), set.justification(), SetMembers.payload(changes), set.onBehalfOf(),
                details, set.id());
    }

    SubmittedSet submit() throws InterruptedException {
        String request = publisher.submit(set, deadline).request().orElseThrow();
        Map<String, String> members = new HashMap<>();
        ExecutorService senders =
                Executors.newFixedThreadPool(Math.min(AT_ONCE, changes.size()), Applier.daemons("assent-member"));
        try {
            List<Future<Decision>> answers = new ArrayList<>();
            for (SetChange change : changes) {
                Submission member = member(change, request, answers.size() + 1);
                answers.add(senders.submit(() -> publisher.submit(member, deadline)));
            }
            for (int index = 0; index < changes.size(); index++) {
                String resource = changes.get(index).resource();
                members.put(resource, answer(resource, answers.get(index)).request().orElseThrow());
            }
        } catch (RefusedException refused) {
            cancel(request, refused);
            throw refused;
        } finally {
            senders.shutdownNow();
        }
        return new SubmittedSet(request, Map.copyOf(members));
    }

    private Submission member(SetChange change, String request, int number) {
        Details common = Details.NONE.withWindow(set.details().notBefore(), set.details().notAfter())
                .withBase(change.base()).withPartOf(request);
        Boolean emergency = set.details().emergency();
        return new Submission(
                change.resource(), change.operation(), set.justification(), change.payload(), set.onBehalfOf(),
                emergency == null ? common : common.withEmergency(emergency),
                set.id() == null ? null : set.id() + "-" + number);
    }

    private static Decision answer(String resource, Future<Decision> sent) throws InterruptedException {
        try {
            return sent.get();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof RefusedException refused) {
                throw new RefusedException(resource, refused);
            }
            if (failed.getCause() instanceof RuntimeException other) {
                throw other;
            }
            throw new IllegalStateException(resource + " was not submitted", failed.getCause());
        }
    }

    /** Without its cancellation the set expires within an hour. */
    private void cancel(String request, RefusedException refused) throws InterruptedException {
        try {
            publisher.send(Command.cancel(publisher.key().principal(), set.resource(), request), deadline);
        } catch (RefusedException | NotDecidedException notCanceled) {
            refused.addSuppressed(notCanceled);
        }
    }
}
