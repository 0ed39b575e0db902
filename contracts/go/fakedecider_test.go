package assent

import (
	"fmt"
	"strings"
)

// events is what a command makes true, or the code of its refusal; and the change that it releases.
func (f *fakeLog) events(value []byte, partition int, at int64) (string, string, []byte) {
	command, _ := readObject(value)
	kind, _ := command.text("type")
	request, _ := command.text("request")
	if code := f.refused[kind]; code != "" {
		return "", code, nil
	}
	principal, _ := command.text("principal")
	switch kind {
	case typeSubmit:
		return f.submit(value, partition, at)
	case typeApprove:
		f.approvals[request] = true
		return fmt.Sprintf(`[{"type":"assent.request-approved.v1","request":%q}]`, request), "", nil
	case typeDone:
		if !f.approvals[request] {
			return "", "not-approved", nil
		}
		event, change := f.released(request, at)
		return "[" + event + "]", "", change
	case typeCancel:
		return fmt.Sprintf(`[{"type":"assent.request-canceled.v1","request":%q}]`, request), "", nil
	case typeClaim:
		return f.claim(request, principal, f.seq[partition], at)
	case typeRenew:
		f.renewals[request]++
		return fmt.Sprintf(`[{"type":"assent.lease-renewed.v1","request":%q,"applier":%q,"deadline":%d}]`,
			request, principal, at+f.lease.Milliseconds()), "", nil
	}
	if claim, ok := command.integer("claim"); !ok || f.claimed[request] == "" || claim != f.claimSeqs[request] {
		return "", "claim-superseded", nil
	}
	outcome, _ := command.text("outcome")
	message, _ := command.text("message")
	version, _ := command.text("version")
	f.outcomes[request] = strings.TrimSpace(outcome + ": " + message + " " + version)
	switch outcome {
	case "succeeded":
		return fmt.Sprintf(`[{"type":"assent.request-completed.v1","request":%q,"reporter":%q,"version":%q}]`,
			request, principal, version), "", nil
	case "failed":
		return fmt.Sprintf(`[{"type":"assent.request-failed.v1","request":%q,"reporter":%q}]`, request, principal), "", nil
	}
	return fmt.Sprintf(`[{"type":"assent.outcome-unknown.v1","request":%q,"cause":"reported"}]`, request), "", nil
}

func (f *fakeLog) submit(value []byte, partition int, at int64) (string, string, []byte) {
	submitted, err := ReadSubmission(value)
	if err != nil || submitted.Resource == "app/locked" {
		return "", "resource-locked", nil
	}
	if seq, there := f.ids[submitted.ID]; there {
		return "", fmt.Sprintf(`id-reused ,"decided":%d`, seq), nil
	}
	f.ids[submitted.ID] = f.seq[partition]
	request := fmt.Sprintf("%d-%d", partition, f.seq[partition])
	f.open[request] = submitted
	of := ""
	if submitted.Details.PartOf != "" {
		of = fmt.Sprintf(`"part_of":%q,`, submitted.Details.PartOf)
	}
	if submitted.Details.Members > 0 {
		of = fmt.Sprintf(`"members":%d,`, submitted.Details.Members)
	}
	event := fmt.Sprintf(`{"type":"assent.change-submitted.v1",%s%s,"person":"p","submission":%q,"digest":%q,"terms":[],`+
		`"deadline":%d}`, of, f.about(request), submitted.SHA256, submitted.Digest, at+100_000)
	if of != "" || strings.HasPrefix(submitted.Resource, "app/manual") {
		return "[" + event + "]", "", nil
	}
	release, change := f.released(request, at)
	return "[" + event + "," + release + "]", "", change
}

// about is the members that a submission's event and its change share.
func (f *fakeLog) about(request string) string {
	of := f.open[request]
	return fmt.Sprintf(`"request":%q,"resource":%q,"operation":%q,"requester":%q`,
		request, of.Resource, of.Operation, of.Principal)
}

// released is the event that releases a change in the next record, and the change.
func (f *fakeLog) released(request string, at int64) (string, []byte) {
	of := f.open[request]
	partition, _, _ := parseRequestID(request)
	event := fmt.Sprintf(`{"type":"assent.change-released.v1","request":%q,"resource":%q,"digest":%q,"deadline":%d}`,
		request, of.Resource, of.Digest, at+100_000)
	return event, fmt.Appendf(nil, `{"type":"assent.change.v1",%s,"justification":%s,"digest":%q,"submission":%q,`+
		`"released":%d,"at":%d,"payload":%s}`,
		f.about(request), encodeText(of.Justification), of.Digest, of.SHA256, f.seq[partition], at, of.Payload)
}

func (f *fakeLog) claim(request, principal string, seq, at int64) (string, string, []byte) {
	if _, there := f.claimed[request]; there {
		return "", "already-decided", nil
	}
	f.claimed[request] = principal
	f.claimSeqs[request] = seq
	f.claims++
	var digest string
	f.eachOpen(request, func(found *openRequest) { digest = found.digest })
	return fmt.Sprintf(`[{"type":"assent.change-claimed.v1","request":%q,"applier":%q,"digest":%q,"deadline":%d}]`,
		request, principal, digest, at+f.lease.Milliseconds()), "", nil
}

// lose accepts a loss: of the partition of app/payroll the records after its first one are given up.
func (f *fakeLog) lose() {
	partition := PartitionFor([]byte("app/payroll"), fakePartitions)
	kept, err := f.recordAt(partition, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	value := fmt.Appendf(nil, `{"seq":1,"prev":%q,"epoch":1,"at":1,"events":[{"type":"assent.loss-accepted.v1","loss":{`+
		`"era":"loss-1","ends":[{"ledger":"governance","partition":0,"seq":0,"sha256":%q,"next_offset":1,"topic_end":1,`+
		`"next_input":0},{"ledger":"ledger","partition":%d,"seq":0,"sha256":%q,"next_offset":1,"topic_end":3,"next_input":1}]}}]}`,
		f.identity.String(), f.identity.String(), partition, kept.SHA256)
	headers := f.seal("governance", 0, 1, value, firstEra)
	headers[0].Value = []byte(recoveryID)
	f.put(topicGovernance, 0, value, headers)
	f.era, f.governance, f.seq[partition], f.prev[partition] = "loss-1", 1, 1, kept.SHA256
	clear(f.claimed)
}

// eachOpen looks a request up in the ledger as it is.
func (f *fakeLog) eachOpen(request string, take func(*openRequest)) {
	partition, seq, _ := parseRequestID(request)
	record, err := f.recordAt(partition, seq)
	if err != nil {
		f.t.Error(err)
		return
	}
	fold := newRequestFold(partition, newSetReleases(), nil)
	fold.take(record)
	take(fold.find(request))
}
