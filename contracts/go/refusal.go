package assent

import "fmt"

// Refusal is a decision that refuses a command, or that would: it is on the ledger, or was found before sending.
// It is returned as an error; find it with errors.As.
type Refusal struct {
	Code   string
	Detail string // for people
	// AgainAt is the log time, ms, from which on the same bytes can be sent again; 0 if that does not help.
	AgainAt int64
	// OpenRequest is the request that holds the object, if that is why.
	OpenRequest string
	// Field is the field that a policy demands, if that is why.
	Field string
	// Current is the newest known version of the object, if the change was made from an older one.
	Current string

	decided *int64 // the seq of the decision on the command that has used the id before; nil if that is not why
}

// Error states what was refused, and what the sender can do.
func (r *Refusal) Error() string {
	todo := whatToDo[r.Code]
	if todo != "" {
		todo = " " + todo
	}
	return fmt.Sprintf("refused (%s): %s%s", r.Code, r.Detail, todo)
}

// unreadableRefusal replaces a decision that this version cannot read.
var unreadableRefusal = Refusal{
	Code: "unreadable", Detail: "This record of the ledger cannot be read: use a newer version of this library.",
}

// readRefusal returns the refusal of a record, if it is one.
func (r LedgerRecord) readRefusal() *Refusal {
	if r.Refusal == nil {
		return nil
	}
	members, err := readObject(r.Refusal)
	if err != nil {
		return &unreadableRefusal
	}
	var refusal Refusal
	refusal.Code, _ = members.text("code")
	refusal.Detail, _ = members.text("detail")
	refusal.OpenRequest, _ = members.text("open_request")
	refusal.Field, _ = members.text("field")
	refusal.Current, _ = members.text("current")
	refusal.AgainAt, _ = members.integer("again_at")
	if decided, ok := members.integer("decided"); ok {
		refusal.decided = &decided
	}
	return &refusal
}

// whatToDo is one sentence for each code, as in the contracts' README.
var whatToDo = map[string]string{
	"malformed":               "Send one JSON object of a known type, in UTF-8, with the fields that its schema names.",
	"unknown-version":         "Send a version of this message that the contracts list, or upgrade Assent.",
	"too-large":               "Shorten the named field, or store the content elsewhere and submit its address.",
	"bad-signature":           "Sign the exact bytes that you send with the key that you name, and send both headers.",
	"unknown-key":             "Use a key that is registered to this principal and valid now, or have one registered.",
	"not-permitted":           "Ask an administrator for the role, or for the principal to be enabled.",
	"misrouted":               "Send it to the partition named: hash the key with Kafka's murmur2 partitioner.",
	"stale":                   "Correct the clock, make the command again with a new id and send it within 24 hours.",
	"id-reused":               "Use a new command id: this one was used for other bytes.",
	"resource-locked":         "Wait for the named open request to end, or have it canceled.",
	"no-policy":               "Have an administrator create an access policy for this resource type.",
	"policy-unsatisfiable":    "Ask for at least one person, and no more than there are besides one requester: change the number, add people to the groups, or register keys.",
	"policy-invalid":          "Correct the named field of the policy.",
	"justification-required":  "State in the justification why the change is needed.",
	"unknown-request":         "Check the request id and the object; requests that ended days ago are in the audit log.",
	"not-pending":             "There is nothing to decide: look at the request's status. If it has ended, submit the change again.",
	"not-approved":            "Wait until the request has the approvals that its policy asks for, then complete it.",
	"not-released":            "Wait until the requester has completed the request. If it has ended, drop the change.",
	"not-claimed":             "Claim the request first. Another applier may hold it, or its outcome may already be known.",
	"own-request":             "Ask another person: you cannot decide on your own request, from any of your accounts.",
	"not-an-approver":         "Ask a member of the policy's approver groups to decide.",
	"already-decided":         "Nothing to do: your decision on this request is recorded.",
	"not-requester":           "Ask the requester: only they can do this.",
	"not-an-applier":          "Have an administrator assign the role applier for this resource type.",
	"digest-mismatch":         "Look at the request again: what you decided on is not what was submitted.",
	"approval-required":       "Submit the change as a request: another administrator approves it, then it is carried out.",
	"outdated":                "Look at the current state, and make your change or decision again from there.",
	"unknown-object":          "Check the id: governance has no object with it.",
	"id-taken":                "Choose another id, or change the object that has this one.",
	"already-so":              "Nothing to do: governance already is this way.",
	"too-few-administrators":  "Give another person the role administrator and a key first: at least two must remain who can act.",
	"too-much-vanishes":       "Check that the directory's export is complete. If it is, synchronise in smaller steps, or have vanish_max_percent raised.",
	"quota-exceeded":          "Wait until some of your open requests have ended, or cancel some.",
	"own-signature-required":  "Sign with your own key, from the command line.",
	"in-use":                  "First change or remove what names it.",
	"of-directory":            "Change it in the directory, and synchronise.",
	"wrong-kind":              "Name an account of the other kind: a service or a human, as the detail states.",
	"last-writer":             "Add another writer first: without a writer nothing can be decided.",
	"on-behalf-of-required":   "Name in on_behalf_of the account of the person on whose behalf you submit the change.",
	"on-behalf-of-invalid":    "Name the enabled account of a human in on_behalf_of. Leave it out if you are not a service.",
	"requester-not-permitted": "Have an administrator restore what the requester lacks, then complete the request. Otherwise have the request closed.",
	"being-applied":           "Wait for the outcome. If it stays unknown, find out whether the change was applied, and settle it.",
	"too-many-commands":       "Send it again unchanged from the named time on. If this happens often, have the setting raised.",
	"claim-superseded":        "Stop: this claim is not the request's current one. Drop the change, and tell people what you did.",
	"lease-ended":             "Stop applying the change, and report what you know of its outcome. People settle it otherwise.",
	"lease-limit":             "Finish and report before the lease ends: a claim cannot be held for longer.",
	"settlement-required":     "Settle the outcome with assent.settle.v1: the policy asks for two administrators who agree.",
	"field-required":          "Fill in the named field and submit the change again: a policy for its type demands it.",
	"operator-unknown":        "Have an administrator set the operator of the named service.",
	"not-yet":                 "Make the command again from the named time on: until then the change has to wait.",
	"window-over":             "Submit the change again with a later end, or with none.",
	"known-finding":           "Nothing to do: this finding is recorded.",
	"unknown-finding":         "Check the finding's id and its object. A finding that was closed is in the audit log.",
	"set-invalid":             "Correct what the detail names, and submit the set and its members again.",
	"set-incomplete":          "Wait until all members of the set are submitted. If one was refused, cancel the set and submit it again.",
	"part-of-set":             "Decide on the set that the detail names: its members are decided together.",
	"stale-base":              "Make the change again from the named version, and name that as its base.",
	"operator-involved":       "Let an applier claim it that another person operates, or have the request closed.",
}
