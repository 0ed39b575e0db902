package assent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestWhatIsReleasedAgainIsAppliedOnceMoreWithAnotherKey(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	a.Handle = a.apply(func(context.Context) (Applied, error) { return Applied{}, retryUnknown(a.calls()) })
	request := submitted(ctx, f, "app/payroll")
	stop := a.run(ctx)
	a.until(request, UnknownOutcome)
	f.act(request, "change-released")
	a.until(request, Succeeded)
	stop()
	if a.calls() != 2 || a.applied[0] == a.applied[1] || !slices.Equal(a.earlier, a.applied[:1]) {
		t.Errorf("keys %v, earlier %v", a.applied, a.earlier)
	}
}

func retryUnknown(calls int) error {
	if calls == 1 {
		return Unknown(errors.New("it timed out"))
	}
	return nil
}

func TestAReportOfATryThatWasReleasedAgainIsSentAndTheNewReleaseApplied(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := a.stopAtWork(ctx, f)
	j, err := openJournal(a.StateDir, f.identity)
	if err != nil {
		t.Fatal(err)
	}
	change, err := j.change(request)
	if err != nil {
		t.Fatal(err)
	}
	// It was killed after it had written its report. The lease ends, and people have the change applied again.
	report, err := newReport("applier", change, outcome{result: Succeeded, claim: f.claimSeqs[request]})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.write(request, partReport, report.Value); err != nil {
		t.Fatal(err)
	}
	j.close()
	f.act(request, "outcome-unknown")
	f.act(request, "change-released")
	again := f.applier(ctx, a.StateDir)
	again.runUntil(ctx, request, Succeeded)
	again.until(request, NotOpen)
	if again.calls() != 1 || f.refusals("claim-superseded") != 1 {
		t.Errorf("%d calls, %d late reports", again.calls(), f.refusals("claim-superseded"))
	}
}

func TestAMemberOfASetIsAppliedOnlyWhenTheLedgerHasReleasedItsSet(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	_, publisher := f.connect(ctx)
	name, member := "app/set", "app/member-0"
	for number := 1; PartitionFor([]byte(member), fakePartitions) == PartitionFor([]byte(name), fakePartitions); number++ {
		member = fmt.Sprintf("app/member-%d", number)
	}
	payload := []byte(`{"a": 1e400}`)
	submitted, err := publisher.SubmitSet(ctx, Set{
		Name: name, Justification: "Both.", Changes: []SetChange{{Resource: member, Operation: "edit", Payload: payload}},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := submitted.Members[member]
	f.act(request, "change-released") // as one with the coordinator's key can have it released
	a.runUntil(ctx, request, NoEvidence)
	f.act(submitted.Request, "change-released")
	again := f.applier(ctx, t.TempDir())
	stop := again.run(ctx)
	again.until(request, Succeeded)
	again.until(submitted.Request, NoEvidence) // the set itself is not applied
	stop()
	if a.calls() != 0 || again.calls() != 1 {
		t.Errorf("applied %d and %d times", a.calls(), again.calls())
	}
}
