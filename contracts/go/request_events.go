package assent

import "strconv"

// eventRule is what an event makes of a request.
type eventRule struct {
	out         int // the states, as bits, in which it can come; in another one nothing is applied any more
	moves       bool
	into        state
	status      string // with which it ends the request; empty if it does not
	by          string // the field that names who ended it
	sameDigest  bool
	submits     bool
	ofNoRequest bool
}

const (
	inNeedsApproval = 1 << needsApproval
	inApproved      = 1 << approved
	inReleased      = 1 << released
	inApplying      = 1 << applying
	inUnsettled     = 1 << unsettled
	inReported      = inReleased | inApplying | inUnsettled
)

// requestEvents is every event of requests that this version knows.
var requestEvents = map[string]eventRule{
	"assent.change-submitted.v1":    {submits: true},
	"assent.members-reserved.v1":    {out: inNeedsApproval},
	"assent.approval-given.v1":      {out: inNeedsApproval},
	"assent.request-approved.v1":    {out: inNeedsApproval, moves: true, into: approved},
	"assent.request-reopened.v1":    {out: inApproved, moves: true, into: needsApproval},
	"assent.approval-lapsed.v1":     {out: inNeedsApproval | inApproved},
	"assent.rejection-given.v1":     {out: inNeedsApproval},
	"assent.approval-revoked.v1":    {out: inNeedsApproval | inApproved, moves: true, into: needsApproval},
	"assent.change-released.v1":     {out: inNeedsApproval | inApproved | inUnsettled, moves: true, into: released, sameDigest: true},
	"assent.change-claimed.v1":      {out: inReleased, moves: true, into: applying, sameDigest: true},
	"assent.lease-renewed.v1":       {out: inApplying},
	"assent.settlement-proposed.v1": {out: inUnsettled},
	"assent.outcome-unknown.v1":     {out: inApplying, moves: true, into: unsettled},
	"assent.request-completed.v1":   {out: inReported, status: "completed", by: "reporter"},
	"assent.request-failed.v1":      {out: inReported, status: "failed", by: "reporter"},
	"assent.request-rejected.v1":    {out: inNeedsApproval, status: "rejected", by: "approver"},
	"assent.request-canceled.v1":    {out: inNeedsApproval, status: "canceled"},
	"assent.request-closed.v1":      {out: inNeedsApproval | inApproved | inReleased, status: "canceled", by: "closed_by"},
	"assent.request-expired.v1":     {out: inNeedsApproval | inApproved | inReleased, status: "expired"},
	"assent.command-repeated.v1":    {ofNoRequest: true},
	"assent.writers-changed.v1":     {ofNoRequest: true},
	"assent.log-time-corrected.v1":  {ofNoRequest: true},
	"assent.finding-reported.v1":    {ofNoRequest: true},
	"assent.finding-closed.v1":      {ofNoRequest: true},
}

func itoa(number int64) string { return strconv.FormatInt(number, 10) }
