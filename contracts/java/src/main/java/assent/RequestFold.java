package assent;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** The open requests of one partition, as its accepted records add up. */
final class RequestFold {
    private final int partition;
    private final SetReleases sets;
    private final Consumer<End> ended;
    private final Map<Long, OpenRequest> open = new HashMap<>();
    private boolean isUnreadable;

    /** `sets` is that of all partitions. `ended` is called with the end of each request. */
    RequestFold(int partition, SetReleases sets, Consumer<End> ended) {
        this.partition = partition;
        this.sets = sets;
        this.ended = ended;
    }

    /** An open request of this partition, or null. */
    OpenRequest find(String request) {
        RequestId id = RequestId.parse(request);
        return id == null || id.partition() != partition ? null : open.get(id.seq());
    }

    /**
     * Why nothing of a request may be applied; empty if there is no reason. All partitions have been read at least as far
     * as they were when the request was released.
     */
    String doubt(OpenRequest request) {
        SetPart set = request.set();
        if (isUnreadable) {
            return "A record of this partition cannot be read: use a newer version of this library.";
        }
        if (!request.doubt().isEmpty()) {
            return request.doubt();
        }
        if (set.isSet()) {
            return "It is a set: its members are applied, and not the set itself.";
        }
        return set.isMember() && !sets.allows(set.partOf(), set.member())
                ? "The ledger has no release of the set " + set.partOf() + " with this change in it."
                : "";
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
        boolean fits = rule.from().contains(request.state())
                && (!rule.sameDigest() || event.text("digest").equals(request.digest()));
        if (!fits) {
            // Only a writer can have sealed it. What it means is unknown, so nothing is applied.
            open.put(seq, request.inDoubt("Record " + accepted.seq() + " of its partition does not fit the request."));
            return;
        }
        request = approved(request, event);
        open.put(seq, request);
        if (rule.status() != null) {
            open.remove(seq);
            if (request.set().isMember() && request.isReleased()) {
                sets.memberEnded(request.set().partOf(), request.set().member());
            }
            ended.accept(endOf(name, rule, event, accepted));
        } else if (event.type().equals(EventRule.RENEWED)) {
            OpenRequest.Grant grant = request.grant();
            open.put(seq, request.grantedTo(new OpenRequest.Grant(
                    grant.seq(), grant.command(), grant.applier(), grant.digest(), deadlineOf(event))));
        } else if (rule.into() != null) {
            open.put(seq, moved(request, rule, event, accepted));
            if (rule.into() == OpenRequest.State.RELEASED && request.set().isSet() && request.doubt().isEmpty()) {
                sets.released(request.request(), request.set().members());
            }
        }
    }

    /** The request with those whose approvals count after an event. */
    private static OpenRequest approved(OpenRequest request, Event event) {
        List<String> approvers = new ArrayList<>(request.approvers());
        switch (event.type()) {
            case "assent.approval-given.v1" -> approvers.add(event.text("approver"));
            case "assent.approval-lapsed.v1", "assent.approval-revoked.v1" -> approvers.remove(event.text("approver"));
            default -> {
                return request;
            }
        }
        return request.approvedBy(approvers);
    }

    private static OpenRequest moved(OpenRequest request, EventRule rule, Event event, AcceptedRecord accepted) {
        return switch (rule.into()) {
            case APPROVED -> request.approvedAt(accepted.seq());
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
        Submitted submitted = null;
        String doubt = "";
        try {
            Optional<RecordedCommand> recorded = accepted.record().recordedCommand();
            submitted = recorded.isEmpty() ? null : Submitted.read(recorded.get().value());
            doubt = submitted == null ? "The record of its submission has no command." : "";
        } catch (RefusedException notWellFormed) {
            doubt = "The command in the record of its submission is not well-formed.";
        }
        OpenRequest request = new OpenRequest(
                event.text("request"), event.text("resource"), event.text("operation"), event.text("requester"),
                event.text("on_behalf_of"), accepted.record().commandMembers().textOr("justification"),
                event.text("digest"), event.text("submission"),
                accepted.record().commandMembers().textOr("base"), OpenRequest.State.NEEDS_APPROVAL, null, List.of(),
                null, doubt, -1, List.of(), submitted == null ? SetPart.NONE : SetPart.of(submitted));
        boolean agrees = submitted == null || agrees(submitted, request, event)
                && request.request().equals(partition + "-" + accepted.seq());
        return agrees
                ? request
                : request.inDoubt("The record of its submission states something else than the command in it.");
    }

    /**
     * Whether a submission's record states what the command in it does: an honest writer writes no other record, and what
     * a person approved is the command.
     */
    private static boolean agrees(Submitted submitted, OpenRequest request, Event event) {
        Long members = event.members().integer("members");
        return submitted.sha256().equals(request.submission())
                && submitted.digest().equals(request.digest()) && submitted.resource().equals(request.resource())
                && submitted.operation().equals(request.operation())
                && submitted.principal().equals(request.requester())
                && submitted.onBehalfOf().equals(request.onBehalfOf())
                && submitted.details().partOf().equals(event.text("part_of"))
                && submitted.details().members() == (members == null ? 0 : members);
    }

    private static End endOf(String request, EventRule rule, Event event, AcceptedRecord accepted) {
        JsonObject command = accepted.record().commandMembers();
        String message = event.text("message");
        for (String field : List.of("message", "note", "reason")) {
            message = message.isEmpty() ? command.textOr(field) : message;
        }
        return new End(
                request, rule.status(), rule.by() == null ? "" : event.text(rule.by()), message, event.text("version"),
                accepted.seq(), accepted.record().at());
    }
}
