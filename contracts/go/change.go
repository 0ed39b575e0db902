package assent

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const typeChange = "assent.change.v1"

// Change is a released change: what a handler is to apply.
type Change struct {
	Request       string
	Resource      string // the object, <type>/<id>
	Operation     string
	Requester     string
	OnBehalfOf    string // the person on whose behalf a service submitted it, or empty
	Justification string
	Digest        string // SHA-256 of Payload, hex
	Submission    string // SHA-256 of the submission's bytes, hex
	Released      int64  // the ledger seq of the release
	At            int64  // log time of the release, ms
	Payload       []byte // JSON, byte for byte as it was approved
	Base          string // the version of the object from which it was made, or empty
	// Claim is the number of the claim under which a handler applies it: the ledger seq of its record. Of two claims to
	// one object the later one has the higher number, so a target can refuse an applier whose lease has ended.
	Claim int64
	// IdempotencyKey is the same on every try to apply this release, and different for every other release of every log:
	// 64 hex digits, as the other clients make them. Give it to the target, or look there for what was done.
	IdempotencyKey string
	// Approvers are the accounts whose approvals led to the release. A member of a set has none: the set has them.
	Approvers []string
	// EarlierKeys are those of earlier releases of this request: people had it applied again, as its outcome was unknown.
	// A target that has one of them has made the change.
	EarlierKeys []string

	raw []byte
}

// idempotencyKey names a release of a log. The time is in it because a log that was put back can release the same
// submission again at the same place.
func idempotencyKey(identity Identity, c Change) string {
	named := fmt.Sprintf("%s %s %s %d %d", identity, c.Request, c.Submission, c.Released, c.At)
	return sha256Hex([]byte("assent.idempotency.v1\x00" + named))
}

// Type is the type of the object.
func (c Change) Type() string {
	kind, _, _ := strings.Cut(c.Resource, "/")
	return kind
}

// readChange reads a value of assent.changes. It refuses what two readers could take for different changes.
func readChange(value []byte) (Change, error) {
	members, err := readObject(value)
	if err != nil {
		return Change{}, fmt.Errorf("it is not a change: %w", err)
	}
	names := map[string]bool{}
	for _, each := range members {
		if names[each.name] {
			return Change{}, fmt.Errorf("it is not a change: %.80q comes twice", each.name)
		}
		names[each.name] = true
	}
	if kind, _ := members.text("type"); kind != typeChange {
		return Change{}, fmt.Errorf("it is not a change: its type is %.80q", kind)
	}
	change := Change{raw: value}
	for name, target := range map[string]*string{
		"request": &change.Request, "resource": &change.Resource, "operation": &change.Operation,
		"requester": &change.Requester, "justification": &change.Justification, "digest": &change.Digest,
		"submission": &change.Submission,
	} {
		var ok bool
		if *target, ok = members.text(name); !ok {
			return Change{}, fmt.Errorf("it is not a change: %s is missing, or is not a text", name)
		}
	}
	if names["on_behalf_of"] {
		var ok bool
		// An empty one would look as if it were not there.
		if change.OnBehalfOf, ok = members.text("on_behalf_of"); !ok || change.OnBehalfOf == "" {
			return Change{}, fmt.Errorf("it is not a change: on_behalf_of is not an account")
		}
	}
	if names["base"] {
		var ok bool
		if change.Base, ok = members.text("base"); !ok || change.Base == "" {
			return Change{}, fmt.Errorf("it is not a change: base is not a version")
		}
	}
	var okReleased, okAt, okPayload bool
	change.Released, okReleased = members.integer("released")
	change.At, okAt = members.integer("at")
	change.Payload, okPayload = members.raw("payload")
	if !okReleased || !okAt || !okPayload {
		return Change{}, fmt.Errorf("it is not a change: released, at or payload is missing")
	}
	return change, nil
}

var requestID = regexp.MustCompile(`^(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,17})$`)

// parseRequestID returns the partition and the seq of a request's submission.
func parseRequestID(text string) (partition int, seq int64, ok bool) {
	match := requestID.FindStringSubmatch(text)
	if match == nil {
		return 0, 0, false
	}
	partition, _ = strconv.Atoi(match[1])
	seq, err := strconv.ParseInt(match[2], 10, 64)
	return partition, seq, err == nil
}
