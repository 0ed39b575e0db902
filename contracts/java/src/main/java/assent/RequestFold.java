package assent;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** The open requests of one partition, as its accepted records add up. */
final class RequestFold {
    private final int partition;
    private final Consumer<End> ended;
    private final Map<Long, OpenRequest> open = new HashMap<>();
    private boolean isUnreadable;

    /** `ended` is called with the end of each request. */
    RequestFold(int partition, Consumer<End> ended) {
        this.partition = partition;
        this.ended = ended;
    }

    /** An open request of this partition, or null. */
    OpenRequest find(String request) {
        RequestId id = RequestId.parse(request);
        return id == null || id.partition() != partition ? null : open.get(id.seq());
    }

    /** Why nothing of a request may be applied; empty if there is no reason. */
    String doubt(OpenRequest request) {
        return isUnreadable
                ? "A record of this partition cannot be read: use a newer version of this library."
                : request.doubt();
    }

    /** Moves past the next accepted record. */
    void take(AcceptedRecord accepted) {
        List<Event> events = accepted.record().readEvents();
        if (events == null || events.stream().anyMatch(event -> EventRule.of(event.type()) == null)) {
            // What it ends is not known, so nothing is acted on.
            isUnreadable = true;
            return;
        }
        for (Event event : events) {
            if (event.type().equals(EventRule.SUBMITTED)) {
                open.put(accepted.seq(), submitted(event, accepted));
            } else if (!EventRule.of(event.type()).isOfNoRequest()) {
                takeEvent(event, accepted);
            }
        }
    }

    private void takeEvent(Event event, AcceptedRecord accepted) {
        EventRule rule = EventRule.of(event.type());
        String name = event.members().text("request");
        if (name == null) {
            isUnreadable = true;
            return;
        }
        OpenRequest request = find(name);
        if (request == null) {
            return;
        }
        long seq = RequestId.parse(name).seq();
        if (!rule.from().contains(request.state())
                || rule.sameDigest() && !event.text("digest").equals(request.digest())) {
            // Only a writer can have sealed it. What it means is unknown, so nothing is applied.
            open.put(seq, request.inDoubt("Record " + accepted.seq() + " of its partition does not fit the request."));
            return;
        }
        if (rule.status() != null) {
            open.remove(seq);
            ended.accept(endOf(name, rule, event, accepted));
        } else if (event.type().equals(EventRule.RENEWED)) {
            OpenRequest.Grant grant = request.grant();
            open.put(seq, request.grantedTo(new OpenRequest.Grant(
                    grant.seq(), grant.command(), grant.applier(), grant.digest(), deadlineOf(event))));
        } else if (rule.into() != null) {
            open.put(seq, moved(request, rule, event, accepted));
        }
    }

    private static OpenRequest moved(OpenRequest request, EventRule rule, Event event, AcceptedRecord accepted) {
        return switch (rule.into()) {
            case RELEASED -> request.releasedBy(accepted.record());
            case APPLYING -> request.grantedTo(new OpenRequest.Grant(
                    accepted.seq(), accepted.record().commandMembers().textOr("id"), event.text("applier"),
                    request.digest(), deadlineOf(event)));
            default -> request.in(rule.into());
        };
    }

    private static long deadlineOf(Event event) {
        Long deadline = event.members().integer("deadline");
        return deadline == null ? 0 : deadline;
    }

    private OpenRequest submitted(Event event, AcceptedRecord accepted) {
        OpenRequest request = new OpenRequest(
                event.text("request"), event.text("resource"), event.text("operation"), event.text("requester"),
                event.text("on_behalf_of"), accepted.record().commandMembers().textOr("justification"),
                event.text("digest"), event.text("submission"),
                accepted.record().commandMembers().textOr("base"), OpenRequest.State.NEEDS_APPROVAL, null, List.of(), null, "");
        return request.inDoubt(contradiction(request, accepted));
    }

    /**
     * In what a submission's record and the command in it differ; empty if in nothing. An honest writer writes no such
     * record, and what a person approved is the command.
     */
    private String contradiction(OpenRequest request, AcceptedRecord accepted) {
        Optional<RecordedCommand> recorded = accepted.record().recordedCommand();
        if (recorded.isEmpty()) {
            return "The record of its submission has no command.";
        }
        Submitted submitted;
        try {
            submitted = Submitted.read(recorded.get().value());
        } catch (RefusedException notWellFormed) {
            return "The command in the record of its submission is not well-formed.";
        }
        boolean agrees = submitted.sha256().equals(request.submission())
                && submitted.digest().equals(request.digest()) && submitted.resource().equals(request.resource())
                && submitted.operation().equals(request.operation())
                && submitted.principal().equals(request.requester())
                && submitted.onBehalfOf().equals(request.onBehalfOf())
                && request.request().equals(partition + "-" + accepted.seq());
        return agrees ? "" : "The record of its submission states something else than the command in it.";
    }

    private static End endOf(String request, EventRule rule, Event event, AcceptedRecord accepted) {
        JsonObject command = accepted.record().commandMembers();
        String message = event.text("message");
        if (message.isEmpty()) {
            message = command.textOr("message");
        }
        if (message.isEmpty()) {
            message = command.textOr("reason");
        }
        return new End(
                request, rule.status(), rule.by() == null ? "" : event.text(rule.by()), message, accepted.seq(),
                accepted.record().at());
    }
}
