package assent

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

const (
	typeSubmit  = "assent.submit-change.v1"
	typeApprove = "assent.approve.v1"
	typeReject  = "assent.reject.v1"
	typeRevoke  = "assent.revoke.v1"
	typeCancel  = "assent.cancel.v1"
	typeDone    = "assent.complete.v1"
	typeClaim   = "assent.claim.v1"
	typeReport  = "assent.report-outcome.v1"
	typeClose   = "assent.close-request.v1"
	typeSettle  = "assent.settle.v1"
	typeRenew   = "assent.renew-lease.v1"
)

// Command is a command with the exact bytes that are signed, sent and, to ask again, sent once more.
type Command struct {
	Type     string
	ID       string
	At       int64 // ms
	Resource string
	Value    []byte
}

// Submission is a change to ask for.
type Submission struct {
	Resource      string // the object, <type>/<id>
	Operation     string
	Justification string // required
	// Payload is any JSON value. Its bytes are kept as they are.
	Payload []byte
	// OnBehalfOf is the account of the person on whose behalf a service submits; only a service names one.
	OnBehalfOf string
	// Details are shown to approvers in full.
	Details Details
	// ID is the command's, unique for 24 hours. A new one is made if it is empty.
	ID string
}

// NewSubmission makes the command that submits a change. It refuses, with a *Refusal, what a decider would refuse
// for its form.
func NewSubmission(principal string, s Submission) (Command, error) {
	more := []field{
		{"operation", s.Operation}, {"justification", s.Justification}, {"payload", json.RawMessage(s.Payload)},
	}
	if s.OnBehalfOf != "" {
		more = append(more, field{"on_behalf_of", s.OnBehalfOf})
	}
	details, err := s.Details.fields()
	if err != nil {
		return Command{}, fmt.Errorf("make a command: %w", err)
	}
	more = append(more, details...)
	command, err := newCommand(typeSubmit, s.ID, principal, s.Resource, more...)
	if err != nil {
		return Command{}, err
	}
	_, err = ReadSubmission(command.Value)
	return command, err
}

// NewApproval makes the command that approves a request. submission is the SHA-256, in hex, of the submission's
// bytes: compute it from the very bytes that the approver was shown.
func NewApproval(principal, resource, request, submission, note string) (Command, error) {
	return newDecision(typeApprove, principal, resource, request, submission, note)
}

// NewRejection makes the command that rejects a request. submission is as for NewApproval.
func NewRejection(principal, resource, request, submission, note string) (Command, error) {
	return newDecision(typeReject, principal, resource, request, submission, note)
}

// NewCompletion makes the command by which the requester releases an approved change.
func NewCompletion(principal, resource, request, submission string) (Command, error) {
	return newCommand(typeDone, "", principal, resource, field{"request", request}, field{"submission", submission})
}

// NewRevocation makes the command by which an approver takes an approval back.
func NewRevocation(principal, resource, request, note string) (Command, error) {
	return newCommand(typeRevoke, "", principal, resource, field{"request", request}, field{"note", note})
}

// NewCancellation makes the command by which a requester withdraws a request.
func NewCancellation(principal, resource, request string) (Command, error) {
	return newCommand(typeCancel, "", principal, resource, field{"request", request})
}

// NewClosing makes the command by which an administrator of the type ends an open request, with a reason (R22).
func NewClosing(principal, resource, request, reason string) (Command, error) {
	return newCommand(typeClose, "", principal, resource, field{"request", request}, field{"reason", reason})
}

// NewSettlement makes the command by which an administrator of the type settles an unknown outcome: outcome is
// "succeeded", "failed" or "retry", which releases the change again. claim is the number of the claim that it is about.
func NewSettlement(principal, resource, request, outcome, reason string, claim int64) (Command, error) {
	return newCommand(typeSettle, "", principal, resource, field{"request", request}, field{"outcome", outcome},
		field{"reason", reason}, field{"claim", claim})
}

func newDecision(kind, principal, resource, request, submission, note string) (Command, error) {
	return newCommand(kind, "", principal, resource,
		field{"request", request}, field{"submission", submission}, field{"note", note})
}

func newClaim(principal string, change Change) (Command, error) {
	return newCommand(typeClaim, "", principal, change.Resource, field{"request", change.Request})
}

// newRenewal makes the command that renews the lease of change.Claim.
func newRenewal(principal string, change Change) (Command, error) {
	return newCommand(typeRenew, "", principal, change.Resource,
		field{"request", change.Request}, field{"claim", change.Claim})
}

func newReport(principal string, change Change, applied outcome) (Command, error) {
	fields := []field{
		{"request", change.Request}, {"outcome", string(applied.result)}, {"message", printable(applied.message)},
	}
	if applied.claim >= 0 {
		fields = append(fields, field{"claim", applied.claim})
	}
	if applied.version != "" {
		fields = append(fields, field{"version", applied.version})
	}
	return newCommand(typeReport, "", principal, change.Resource, fields...)
}

func newCommand(kind, id, principal, resource string, more ...field) (Command, error) {
	if id == "" {
		var random [16]byte
		if _, err := rand.Read(random[:]); err != nil {
			return Command{}, fmt.Errorf("make a command: %w", err)
		}
		id = hex.EncodeToString(random[:])
	}
	at := time.Now().UnixMilli()
	fields := append([]field{
		{"type", kind}, {"id", id}, {"principal", principal}, {"at", at}, {"resource", resource},
	}, more...)
	value, err := encodeObject(fields...)
	if err != nil {
		return Command{}, fmt.Errorf("make a command: %w", err)
	}
	return Command{Type: kind, ID: id, At: at, Resource: resource, Value: value}, nil
}

// ReadCommand reads a command from its exact bytes, as they were kept to be sent again.
func ReadCommand(value []byte) (Command, error) {
	members, err := readObject(value)
	if err != nil {
		return Command{}, fmt.Errorf("these bytes are not a command: %w", err)
	}
	command := Command{Value: value}
	var ok [4]bool
	command.Type, ok[0] = members.text("type")
	command.ID, ok[1] = members.text("id")
	command.At, ok[2] = members.integer("at")
	command.Resource, ok[3] = members.text("resource")
	if ok != [4]bool{true, true, true, true} {
		return Command{}, fmt.Errorf("these bytes are not a command: type, id, at or resource is missing")
	}
	return command, nil
}
