package assent;

import java.util.Map;

/**
 * A decision that refuses a command, or would refuse it.
 *
 * @param code for programs, as the contracts list them
 * @param detail for people
 * @param againAt the log time, ms, from which on the same bytes can be sent again; 0 if that does not help
 * @param openRequest the request that holds the object, if that is why; else empty
 * @param field the field that a policy demands, if that is why; else empty
 * @param current the newest known version of the object, if the change was made from an older one; else empty
 * @param decided the seq of the decision on the command that has used the id before, if that is why; else -1
 */
public record Refusal(
        String code, String detail, long againAt, String openRequest, String field, String current, long decided) {
    /** What replaces a decision that this version cannot read. */
    static final Refusal UNREADABLE = of(
            "unreadable", "This record of the ledger cannot be read: use a newer version of this library.");

    /** One sentence for each code, as in the contracts' README. */
    private static final Map<String, String> WHAT_TO_DO = Map.ofEntries(
            Map.entry("malformed", "Send one JSON object of a known type, in UTF-8, with the fields that its schema names."),
            Map.entry("unknown-version", "Send a version of this message that the contracts list, or upgrade Assent."),
            Map.entry("too-large", "Shorten the named field, or store the content elsewhere and submit its address."),
            Map.entry("bad-signature", "Sign the exact bytes that you send with the key that you name, and send both headers."),
            Map.entry("unknown-key", "Use a key that is registered to this principal and valid now, or have one registered."),
            Map.entry("not-permitted", "Ask an administrator for the role, or for the principal to be enabled."),
            Map.entry("misrouted", "Send it to the partition named: hash the key with Kafka's murmur2 partitioner."),
            Map.entry("stale", "Correct the clock, make the command again with a new id and send it within 24 hours."),
            Map.entry("id-reused", "Use a new command id: this one was used for other bytes."),
            Map.entry("resource-locked", "Wait for the named open request to end, or have it canceled."),
            Map.entry("no-policy", "Have an administrator create an access policy for this resource type."),
            Map.entry("policy-unsatisfiable", "Ask for at least one person, and no more than there are besides one requester: change the number, add people to the groups, or register keys."),
            Map.entry("policy-invalid", "Correct the named field of the policy."),
            Map.entry("justification-required", "State in the justification why the change is needed."),
            Map.entry("unknown-request", "Check the request id and the object; requests that ended days ago are in the audit log."),
            Map.entry("not-pending", "There is nothing to decide: look at the request's status. If it has ended, submit the change again."),
            Map.entry("not-approved", "Wait until the request has the approvals that its policy asks for, then complete it."),
            Map.entry("not-released", "Wait until the requester has completed the request. If it has ended, drop the change."),
            Map.entry("not-claimed", "Claim the request first. Another applier may hold it, or its outcome may already be known."),
            Map.entry("own-request", "Ask another person: you cannot decide on your own request, from any of your accounts."),
            Map.entry("not-an-approver", "Ask a member of the policy's approver groups to decide."),
            Map.entry("already-decided", "Nothing to do: your decision on this request is recorded."),
            Map.entry("not-requester", "Ask the requester: only they can do this."),
            Map.entry("not-an-applier", "Have an administrator assign the role applier for this resource type."),
            Map.entry("digest-mismatch", "Look at the request again: what you decided on is not what was submitted."),
            Map.entry("approval-required", "Submit the change as a request: another administrator approves it, then it is carried out."),
            Map.entry("outdated", "Look at the current state, and make your change or decision again from there."),
            Map.entry("unknown-object", "Check the id: governance has no object with it."),
            Map.entry("id-taken", "Choose another id, or change the object that has this one."),
            Map.entry("already-so", "Nothing to do: governance already is this way."),
            Map.entry("too-few-administrators", "Give another person the role administrator and a key first: at least two must remain who can act."),
            Map.entry("too-much-vanishes", "Check that the directory's export is complete. If it is, synchronise in smaller steps, or have vanish_max_percent raised."),
            Map.entry("quota-exceeded", "Wait until some of your open requests have ended, or cancel some."),
            Map.entry("own-signature-required", "Sign with your own key, from the command line."),
            Map.entry("in-use", "First change or remove what names it."),
            Map.entry("of-directory", "Change it in the directory, and synchronise."),
            Map.entry("wrong-kind", "Name an account of the other kind: a service or a human, as the detail states."),
            Map.entry("last-writer", "Add another writer first: without a writer nothing can be decided."),
            Map.entry("on-behalf-of-required", "Name in on_behalf_of the account of the person on whose behalf you submit the change."),
            Map.entry("on-behalf-of-invalid", "Name the enabled account of a human in on_behalf_of. Leave it out if you are not a service."),
            Map.entry("requester-not-permitted", "Have an administrator restore what the requester lacks, then complete the request. Otherwise have the request closed."),
            Map.entry("being-applied", "Wait for the outcome. If it stays unknown, find out whether the change was applied, and settle it."),
            Map.entry("too-many-commands", "Send it again unchanged from the named time on. If this happens often, have the setting raised."),
            Map.entry("claim-superseded", "Stop: this claim is not the request's current one. Drop the change, and tell people what you did."),
            Map.entry("lease-ended", "Stop applying the change, and report what you know of its outcome. People settle it otherwise."),
            Map.entry("lease-limit", "Finish and report before the lease ends: a claim cannot be held for longer."),
            Map.entry("settlement-required", "Settle the outcome with assent.settle.v1: the policy asks for two administrators who agree."),
            Map.entry("field-required", "Fill in the named field and submit the change again: a policy for its type demands it."),
            Map.entry("operator-unknown", "Have an administrator set the operator of the named service."),
            Map.entry("not-yet", "Make the command again from the named time on: until then the change has to wait."),
            Map.entry("window-over", "Submit the change again with a later end, or with none."),
            Map.entry("known-finding", "Nothing to do: this finding is recorded."),
            Map.entry("unknown-finding", "Check the finding's id and its object. A finding that was closed is in the audit log."),
            Map.entry("set-invalid", "Correct what the detail names, and submit the set and its members again."),
            Map.entry("set-incomplete", "Wait until all members of the set are submitted. If one was refused, cancel the set and submit it again."),
            Map.entry("part-of-set", "Decide on the set that the detail names: its members are decided together."),
            Map.entry("stale-base", "Make the change again from the named version, and name that as its base."),
            Map.entry("operator-involved", "Let an applier claim it that another person operates, or have the request closed."));

    static Refusal of(String code, String detail) {
        return new Refusal(code, detail, 0, "", "", "", -1);
    }

    static Refusal malformed(String detail) {
        return of("malformed", detail);
    }

    static Refusal tooLarge(String detail) {
        return of("too-large", detail);
    }

    static Refusal read(byte[] raw) {
        try {
            JsonObject members = JsonObject.read(raw);
            Long againAt = members.integer("again_at");
            Long decided = members.integer("decided");
            return new Refusal(
                    members.textOr("code"), members.textOr("detail"), againAt == null ? 0 : againAt,
                    members.textOr("open_request"), members.textOr("field"), members.textOr("current"),
                    decided == null ? -1 : decided);
        } catch (NotJsonException unreadable) {
            return UNREADABLE;
        }
    }

    RefusedException asException() {
        return new RefusedException(this);
    }

    /** What the sender can do; empty for a code that this version does not know. */
    public String whatToDo() {
        return WHAT_TO_DO.getOrDefault(code, "");
    }

    /** What was refused, and what the sender can do. */
    @Override
    public String toString() {
        return "refused (" + code + "): " + detail + (whatToDo().isEmpty() ? "" : " " + whatToDo());
    }
}
