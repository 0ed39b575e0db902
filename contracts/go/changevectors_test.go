package assent

import (
	"slices"
	"testing"
)

func TestChangeVectors(t *testing.T) {
	var vectors struct {
		logVectors
		Changes []struct {
			Name            string  `json:"name"`
			Value           *[]byte `json:"value"`
			Verdict         string  `json:"verdict"`
			WithoutEvidence string  `json:"without_evidence"`
			IdempotencyKey  string  `json:"idempotency_key"`
		} `json:"changes"`
		Requests []requestVector `json:"requests"`
	}
	readVectors(t, "changes.json", &vectors)
	ends := map[string]End{}
	fold := newRequestFold(vectors.Partition, newSetReleases(), func(end End) { ends[end.Request] = end })
	readLog(t, vectors.logVectors, fold.take)
	for _, each := range vectors.Requests {
		each.check(t, fold, ends)
	}
	inHand := map[string]bool{}
	for _, each := range vectors.Changes {
		expected := each.Verdict
		if each.WithoutEvidence != "" {
			// This library does not check the evidence of a release: its README says so.
			expected = each.WithoutEvidence
		}
		if got := judge(fold, each.Value, inHand); got != expected {
			t.Errorf("%s: %s, not %s", each.Name, got, expected)
		}
		if each.IdempotencyKey != "" {
			identity, _ := ParseIdentity(vectors.Identity)
			change, err := readChange(*each.Value)
			if key := idempotencyKey(identity, change); err != nil || key != each.IdempotencyKey {
				t.Errorf("%s: the key is %s, not %s", each.Name, key, each.IdempotencyKey)
			}
		}
	}
}

// requestVector is what became of a request.
type requestVector struct {
	Request   string   `json:"request"`
	Status    string   `json:"status"`
	Progress  string   `json:"progress"`
	Approvers []string `json:"approvers"`
	Claim     int64    `json:"claim"`
	Applier   string   `json:"applier"`
	Deadline  int64    `json:"deadline"`
	By        string   `json:"by"`
	Message   string   `json:"message"`
	Version   string   `json:"version"`
	Seq       int64    `json:"seq"`
	At        int64    `json:"at"`
}

var statuses = map[state]string{
	needsApproval: "needs_approval/", approved: "approved/", released: "approved/released",
	applying: "approved/applying", unsettled: "approved/unknown",
}

func (v requestVector) check(t *testing.T, fold *requestFold, ends map[string]End) {
	t.Helper()
	found := fold.find(v.Request)
	if found == nil {
		end := End{v.Request, v.Status, v.By, v.Message, v.Version, v.Seq, v.At}
		if ends[v.Request] != end {
			t.Errorf("it ended as %+v, not as %+v", ends[v.Request], end)
		}
		return
	}
	if got := statuses[found.state]; got != v.Status+"/"+v.Progress {
		t.Errorf("%+v is %s", v, got)
	}
	if !slices.Equal(found.approvers, v.Approvers) {
		t.Errorf("%+v was approved by %v", v, found.approvers)
	}
	if v.Applier == "" {
		if found.grant != nil {
			t.Errorf("%+v is claimed: %+v", v, found.grant)
		}
	} else if found.grant.number != v.Claim || found.grant.applier != v.Applier ||
		(v.Deadline != 0 && found.grant.deadline != v.Deadline) {
		t.Errorf("the claim of %+v is %+v", v, found.grant)
	}
}

func judge(fold *requestFold, value *[]byte, inHand map[string]bool) string {
	if value == nil {
		return string(Unreadable)
	}
	change, err := readChange(*value)
	if err != nil {
		return string(Unreadable)
	}
	found, doubt := fold.find(change.Request), ""
	if found != nil {
		doubt = fold.doubt(found)
	}
	if result, _ := leftAlone(change, found, doubt, nil, inHand[change.Request]); result != "" {
		return string(result)
	}
	inHand[change.Request] = true
	return "claim"
}

func TestAnswerVectors(t *testing.T) {
	var vectors struct {
		logVectors
		Commands []struct {
			Offset  int64    `json:"offset"`
			Seq     *int64   `json:"seq"`
			Events  []string `json:"events"`
			Refusal *string  `json:"refusal"`
			Decided *int64   `json:"decided"`
			First   *struct {
				Refusal *string `json:"refusal"`
			} `json:"first"`
			Recorded bool `json:"recorded"`
		} `json:"commands"`
	}
	readVectors(t, "answers.json", &vectors)
	answers, bySeq, recorded := map[int64]Decision{}, map[int64]Decision{}, map[int64]bool{}
	readLog(t, vectors.logVectors, func(accepted Accepted) {
		bySeq[accepted.Seq] = decisionOf(accepted)
		if accepted.Input >= 0 {
			answers[accepted.Input] = decisionOf(accepted)
			_, recorded[accepted.Input] = accepted.RecordedCommand()
		}
	})
	for _, each := range vectors.Commands {
		answer, ok := answers[each.Offset]
		if ok != (each.Seq != nil) {
			t.Errorf("offset %d: answered %v", each.Offset, ok)
		}
		if !ok {
			continue
		}
		var types []string
		for _, event := range answer.Events {
			types = append(types, event.Type)
		}
		if answer.Seq != *each.Seq || !slices.Equal(types, each.Events) {
			t.Errorf("offset %d: %+v", each.Offset, answer)
		}
		if (answer.Refusal == nil) != (each.Refusal == nil) || (answer.Refusal != nil && answer.Refusal.Code != *each.Refusal) {
			t.Errorf("offset %d: refused as %v", each.Offset, answer.Refusal)
		}
		if decided, repeats := answer.repeats(); repeats != (each.Decided != nil) || (repeats && decided != *each.Decided) {
			t.Errorf("offset %d: repeats %d, %v", each.Offset, decided, repeats)
		} else if repeats {
			first := bySeq[decided].Refusal
			if (first == nil) != (each.First.Refusal == nil) || (first != nil && first.Code != *each.First.Refusal) {
				t.Errorf("offset %d: was refused first as %v", each.Offset, first)
			}
		}
		if recorded[each.Offset] != each.Recorded {
			t.Errorf("offset %d: recorded %v", each.Offset, recorded[each.Offset])
		}
	}
}
