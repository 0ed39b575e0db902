package assent

import (
	"fmt"
	"slices"
)

// state is how far an open request has come.
type state int

const (
	needsApproval state = iota
	approved
	released
	applying
	unsettled
)

// release is where a release is: the ledger seq of its record, and its log time, ms.
type release struct{ seq, at int64 }

// grant is a claim that was granted: to which command of which applier, and until when (log time, ms). Its number
// is the ledger seq of its record.
type grant struct {
	number   int64
	command  string
	applier  string
	digest   string
	deadline int64
}

// openRequest is a request that holds its object, as the accepted ledger has it.
type openRequest struct {
	request       string
	resource      string
	operation     string
	requester     string
	onBehalfOf    string
	justification string
	digest        string
	submission    string
	base          string
	state         state
	release       release
	earlier       []release // the releases before it: people may settle an unknown outcome by another try
	grant         *grant
	doubt         string   // why nothing may be applied, whatever is released; empty if there is no reason
	approvedAt    int64    // the seq of the record that approved it last
	approvers     []string // the accounts whose approvals count
	isSet         bool
	members       []memberKey // of a set: what it lists
	partOf        string      // of a member: the request of its set
	member        memberKey   // of a member: what its set must list
}

// isReleased reports whether the change was released, and has not ended since.
func (r *openRequest) isReleased() bool { return r.state >= released }

// isRelease reports whether a change is this release, in every field and every byte of the payload. The digest
// covers the payload only: who can write to assent.changes could turn an edit into a delete and keep it.
func (r *openRequest) isRelease(change Change) bool {
	return r.isReleased() && r.isOf(r.release, change)
}

// wasRelease reports whether a change is an earlier release of this request, which has been released again since.
func (r *openRequest) wasRelease(change Change) bool {
	return slices.ContainsFunc(r.earlier, func(earlier release) bool { return r.isOf(earlier, change) })
}

func (r *openRequest) isOf(of release, change Change) bool {
	return change.Request == r.request && change.Resource == r.resource && change.Operation == r.operation &&
		change.Requester == r.requester && change.OnBehalfOf == r.onBehalfOf &&
		change.Justification == r.justification && change.Digest == r.digest &&
		change.Submission == r.submission && change.Base == r.base && change.Released == of.seq && change.At == of.at &&
		sha256Hex(change.Payload) == r.digest
}

// End is how a request ended.
type End struct {
	Request string
	Status  string // completed, failed, rejected, canceled or expired
	By      string // the account that reported, rejected, settled or closed it; empty if it ended by itself
	Message string // what the applier reported, or the reason for settling or closing it
	Version string // of the object, which the change made; empty if it was not reported
	Seq     int64
	At      int64 // log time, ms
}

// requestFold is the open requests of one partition, as its accepted records add up.
type requestFold struct {
	partition  int
	open       map[int64]*openRequest
	sets       *setReleases // of all partitions
	unreadable bool
	ended      func(End)
}

func newRequestFold(partition int, sets *setReleases, ended func(End)) *requestFold {
	return &requestFold{partition: partition, open: map[int64]*openRequest{}, sets: sets, ended: ended}
}

// find returns an open request of this partition.
func (f *requestFold) find(request string) *openRequest {
	partition, seq, ok := parseRequestID(request)
	if !ok || partition != f.partition {
		return nil
	}
	return f.open[seq]
}

// doubt is why nothing of a request may be applied; empty if there is no reason. All partitions have been read at least
// as far as they were when the request was released.
func (f *requestFold) doubt(request *openRequest) string {
	switch {
	case f.unreadable:
		return "A record of this partition cannot be read: use a newer version of this library."
	case request.doubt != "":
		return request.doubt
	case request.isSet:
		return "It is a set: its members are applied, and not the set itself."
	case request.partOf != "" && !f.sets.allows(request.partOf, request.member):
		return "The ledger has no release of the set " + request.partOf + " with this change in it."
	}
	return ""
}

// take moves past the next accepted record.
func (f *requestFold) take(accepted Accepted) {
	events, ok := accepted.readEvents()
	if !ok {
		f.unreadable = true
		return
	}
	for _, event := range events {
		if _, known := requestEvents[event.Type]; !known {
			// What it ends is not known, so nothing is acted on.
			f.unreadable = true
			return
		}
	}
	for _, event := range events {
		f.takeEvent(event, accepted)
	}
}

func (f *requestFold) takeEvent(event Event, accepted Accepted) {
	rule := requestEvents[event.Type]
	if rule.submits {
		f.submit(event, accepted)
		return
	}
	id, ok := event.members.text("request")
	if rule.ofNoRequest || !ok {
		f.unreadable = f.unreadable || (!rule.ofNoRequest && !ok)
		return
	}
	request := f.find(id)
	if request == nil {
		return
	}
	if rule.out&(1<<request.state) == 0 || (rule.sameDigest && textOf(event, "digest") != request.digest) {
		// Only a writer can have sealed it. What it means is unknown, so nothing is applied.
		request.doubt = "Record " + itoa(accepted.Seq) + " of its partition does not fit the request."
		return
	}
	if rule.status != "" {
		_, seq, _ := parseRequestID(id)
		delete(f.open, seq)
		if request.partOf != "" && request.isReleased() {
			f.sets.memberEnded(request.partOf, request.member)
		}
		if f.ended != nil {
			f.ended(endOf(id, rule, event, accepted))
		}
		return
	}
	before := request.state
	if rule.moves {
		request.state = rule.into
	}
	switch event.Type {
	case "assent.change-released.v1":
		if before == unsettled {
			// Copies of the request that were handed out keep the list that they have.
			request.earlier = append(slices.Clip(request.earlier), request.release)
		}
		request.release, request.grant = release{accepted.Seq, accepted.At}, nil
		if request.isSet && request.doubt == "" {
			f.sets.released(request.request, request.members)
		}
	case "assent.request-approved.v1":
		request.approvedAt = accepted.Seq
	case "assent.approval-given.v1":
		// Copies of the request that were handed out keep the list that they have.
		request.approvers = append(slices.Clip(request.approvers), textOf(event, "approver"))
	case "assent.approval-lapsed.v1", "assent.approval-revoked.v1":
		request.approvers = slices.DeleteFunc(slices.Clone(request.approvers), func(approver string) bool {
			return approver == textOf(event, "approver")
		})
	case "assent.lease-renewed.v1":
		// Copies of the request that were handed out keep the grant that they have.
		renewed := *request.grant
		renewed.deadline, _ = event.members.integer("deadline")
		request.grant = &renewed
	case "assent.change-claimed.v1":
		deadline, _ := event.members.integer("deadline")
		request.grant = &grant{
			number:  accepted.Seq,
			command: textOf(commandOf(accepted), "id"), applier: textOf(event, "applier"),
			digest: request.digest, deadline: deadline,
		}
	}
}

func (f *requestFold) submit(event Event, accepted Accepted) {
	request := &openRequest{
		request: textOf(event, "request"), resource: textOf(event, "resource"),
		operation: textOf(event, "operation"), requester: textOf(event, "requester"),
		onBehalfOf: textOf(event, "on_behalf_of"), digest: textOf(event, "digest"),
		base:       textOf(commandOf(accepted), "base"),
		submission: textOf(event, "submission"), justification: textOf(commandOf(accepted), "justification"),
	}
	f.open[accepted.Seq] = request
	recorded, ok := accepted.RecordedCommand()
	if !ok {
		request.doubt = "The record of its submission has no command."
		return
	}
	submitted, err := ReadSubmission(recorded.Value)
	if err != nil {
		request.doubt = "The command in the record of its submission is not well-formed."
		return
	}
	if !agrees(request, submitted, event) || request.request != fmt.Sprintf("%d-%d", f.partition, accepted.Seq) {
		request.doubt = "The record of its submission states something else than the command in it."
	}
	request.isSet, request.partOf = submitted.Details.Members > 0, submitted.Details.PartOf
	if request.isSet {
		request.members = submitted.members()
	}
	if request.partOf != "" {
		request.member = submitted.member()
	}
}

// agrees reports whether a submission's record states what the command in it does: an honest writer writes no other
// record, and what a person approved is the command.
func agrees(request *openRequest, submitted Submitted, event Event) bool {
	members, _ := event.members.integer("members")
	return submitted.SHA256 == request.submission && submitted.Digest == request.digest &&
		submitted.Resource == request.resource && submitted.Operation == request.operation &&
		submitted.Principal == request.requester && submitted.OnBehalfOf == request.onBehalfOf &&
		submitted.Details.PartOf == textOf(event, "part_of") && int64(submitted.Details.Members) == members
}

// commandOf returns what only the command of a record contains, as an event.
func commandOf(accepted Accepted) Event {
	recorded, _ := accepted.RecordedCommand()
	members, _ := readObject(recorded.Value)
	return Event{members: members}
}

func textOf(event Event, name string) string {
	text, _ := event.members.text(name)
	return text
}

func endOf(request string, rule eventRule, event Event, accepted Accepted) End {
	end := End{Request: request, Status: rule.status, Seq: accepted.Seq, At: accepted.At}
	if rule.by != "" {
		end.By = textOf(event, rule.by)
	}
	end.Version = textOf(event, "version")
	command := commandOf(accepted)
	for _, message := range []string{
		textOf(event, "message"), textOf(command, "message"), textOf(command, "note"), textOf(command, "reason"),
	} {
		if end.Message == "" {
			end.Message = message
		}
	}
	return end
}
