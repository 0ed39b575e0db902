package assent

import (
	"fmt"
	"testing"
)

func TestWhatIsReleasedAgainIsClaimedAgainAndTheEarlierReleaseIsNot(t *testing.T) {
	command, err := NewSubmission("alice", submission("app/a"))
	if err != nil {
		t.Fatal(err)
	}
	submitted, err := ReadSubmission(command.Value)
	if err != nil {
		t.Fatal(err)
	}
	fold, seq := newRequestFold(0, newSetReleases(), nil), int64(0)
	take := func(name, more string) {
		fold.take(Accepted{LedgerRecord: LedgerRecord{
			Seq: seq, At: 100 + seq,
			Command: fmt.Appendf(nil, `{"value":%s,"key":"k","signature":"s"}`, command.Value),
			Events:  fmt.Appendf(nil, `[{"type":"assent.%s.v1","request":"0-0","digest":%q%s}]`, name, submitted.Digest, more),
		}})
		seq++
	}
	judge := func(released int64) Result {
		found := fold.find("0-0")
		result, _ := leftAlone(Change{
			Request: "0-0", Resource: "app/a", Operation: "edit", Requester: "alice",
			Justification: submitted.Justification, Digest: submitted.Digest, Submission: submitted.SHA256,
			Released: released, At: 100 + released, Payload: submitted.Payload,
		}, found, fold.doubt(found), nil, false)
		return result
	}
	take("change-submitted", fmt.Sprintf(`,"resource":"app/a","operation":"edit","requester":"alice","submission":%q`,
		submitted.SHA256))
	take("change-released", "")
	if got := judge(1); got != "" {
		t.Fatal(got)
	}
	take("change-claimed", `,"applier":"x","deadline":500`)
	take("outcome-unknown", `,"cause":"lease-ended"`)
	take("change-released", "")
	for released, expected := range map[int64]Result{4: "", 1: NotOpen, 3: Forged} {
		if got := judge(released); got != expected {
			t.Errorf("released at %d: %q, not %q", released, got, expected)
		}
	}
}
