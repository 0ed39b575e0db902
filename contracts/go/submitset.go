package assent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	setAtOnce      = 32
	setAheadMostMS = 30 * 24 * 60 * 60 * 1000
	clockAheadMS   = 5 * 60 * 1000
)

// SetChange is a change to one object of a set.
type SetChange struct {
	Resource  string // the object, <type>/<id>
	Operation string
	Payload   []byte // any JSON value; its bytes are kept as they are
	Base      string // the version of the object from which it was made, or empty
}

// Set is a set of changes to ask for (R29): it is approved as one, and released as a whole or not at all.
type Set struct {
	Name          string      // of the set itself, <type>/<id>: of the type of all its objects, and none of them
	Operation     string      // "change-set" if empty
	Justification string      // of all; required
	Changes       []SetChange // 1 to 1,000, each object once
	OnBehalfOf    string      // as of a Submission
	// Details are those of the set. NotAfter is 30 days ahead if it is 0, which is the most. Base is of each change.
	Details Details
	// ID is that of a Submission, for the set and with a number for each member. With one, state NotAfter too, so that the
	// same call finds the same set.
	ID string
}

// SubmittedSet is a set that the ledger has, with all its members.
type SubmittedSet struct {
	Request string            // of the set: WaitApplied and Follow wait until all its members have ended
	Members map[string]string // the request of each member by its object, for the outcome of each
}

// SubmitSet submits a set and its members, and returns once the ledger has all of them. The error is a *Refusal, which
// names the object, if the set or a member is refused: then the set was canceled, and nothing is changed. Of a set whose
// submission was cut off nothing is changed either: it expires within an hour.
func (p *Publisher) SubmitSet(ctx context.Context, set Set) (SubmittedSet, error) {
	if set.Operation == "" {
		set.Operation = "change-set"
	}
	if set.Details.NotAfter == 0 {
		set.Details.NotAfter = time.Now().UnixMilli() + setAheadMostMS - clockAheadMS
	}
	payload, err := encodeSet(set.Changes)
	if err != nil {
		return SubmittedSet{}, err
	}
	details := set.Details
	details.Members = len(set.Changes)
	decision, err := p.Submit(ctx, Submission{
		Resource: set.Name, Operation: set.Operation, Justification: set.Justification, Payload: payload,
		OnBehalfOf: set.OnBehalfOf, Details: details, ID: set.ID,
	})
	if err != nil {
		return SubmittedSet{}, err
	}
	submitted := SubmittedSet{decision.Request(), map[string]string{}}
	for start := 0; start < len(set.Changes); start += setAtOnce {
		if err := p.submitMembers(ctx, set, start, submitted); err != nil {
			return SubmittedSet{}, err
		}
	}
	return submitted, nil
}

// submitMembers adds the requests of some members, from start on, to submitted. It cancels the set if one of them is
// refused.
func (p *Publisher) submitMembers(ctx context.Context, set Set, start int, submitted SubmittedSet) error {
	type answer struct {
		resource string
		decision Decision
		err      error
	}
	answers := make(chan answer)
	some := set.Changes[start:min(start+setAtOnce, len(set.Changes))]
	for index, change := range some {
		id := ""
		if set.ID != "" {
			id = fmt.Sprintf("%s-%d", set.ID, start+index+1)
		}
		go func() {
			decision, err := p.Submit(ctx, Submission{
				Resource: change.Resource, Operation: change.Operation, Justification: set.Justification,
				Payload: change.Payload, OnBehalfOf: set.OnBehalfOf, ID: id,
				Details: Details{
					Base: change.Base, Emergency: set.Details.Emergency, NotBefore: set.Details.NotBefore,
					NotAfter: set.Details.NotAfter, PartOf: submitted.Request,
				},
			})
			answers <- answer{change.Resource, decision, err}
		}()
	}
	var failed error
	for range some {
		each := <-answers
		submitted.Members[each.resource] = each.decision.Request()
		if each.err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", each.resource, each.err))
		}
	}
	var refusal *Refusal
	if errors.As(failed, &refusal) {
		cancellation, err := NewCancellation(p.key.Principal, set.Name, submitted.Request)
		if err == nil {
			_, err = p.Send(ctx, cancellation)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("the set is not canceled, and expires within an hour: %w", err))
		}
	}
	return failed
}

// encodeSet is the payload of a set: what it lists.
func encodeSet(changes []SetChange) (json.RawMessage, error) {
	if len(changes) == 0 || len(changes) > setMembersMax {
		return nil, fmt.Errorf("a set has 1 to %d changes, not %d", setMembersMax, len(changes))
	}
	var members []string
	for _, change := range changes {
		fields := []field{
			{"resource", change.Resource}, {"operation", change.Operation}, {"digest", sha256Hex(change.Payload)},
		}
		if change.Base != "" {
			fields = append(fields, field{"base", change.Base})
		}
		member, err := encodeObject(fields...)
		if err != nil {
			return nil, fmt.Errorf("the member %q of the set: %w", change.Resource, err)
		}
		members = append(members, string(member))
	}
	return json.RawMessage(`{"members":[` + strings.Join(members, ",") + `]}`), nil
}
