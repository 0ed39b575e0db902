package assent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

type testApplier struct {
	Applier
	t *testing.T

	mu      sync.Mutex
	handled []Handled
	applied []string
	claims  []int64
	earlier []string
}

// newTestApplier is an applier of a new log, which grants leases of this length.
func newTestApplier(t *testing.T, lease time.Duration) (context.Context, *fakeLog, *testApplier) {
	t.Helper()
	ctx, f := testContext(t), newFakeLog(t, lease)
	return ctx, f, f.applier(ctx, t.TempDir())
}

// applier is one with this state folder.
func (f *fakeLog) applier(ctx context.Context, stateDir string) *testApplier {
	f.t.Helper()
	a := &testApplier{t: f.t}
	log, err := Connect(ctx, f.config())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(log.Close)
	a.Applier = Applier{
		Log: log, Key: testKey(f.t, "applier-key", "applier"), StateDir: stateDir,
		Handle: a.apply(func(context.Context) (Applied, error) { return Applied{}, nil }), FinishWithin: 200 * time.Millisecond,
		OnHandled: func(handled Handled) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.handled = append(a.handled, handled)
		},
	}
	return a
}

// apply is a handler that notes what it was called with.
func (a *testApplier) apply(do func(context.Context) (Applied, error)) Handler {
	return func(ctx context.Context, change Change) (Applied, error) {
		a.mu.Lock()
		a.applied = append(a.applied, change.IdempotencyKey)
		a.earlier = append(a.earlier, change.EarlierKeys...)
		a.claims = append(a.claims, change.Claim)
		a.mu.Unlock()
		return do(ctx)
	}
}

// run starts it; the function that is returned stops it.
func (a *testApplier) run(ctx context.Context) func() {
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(running) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			a.t.Error(err)
		}
	}
}

func (a *testApplier) until(request string, results ...Result) Handled {
	a.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		a.mu.Lock()
		for _, each := range a.handled {
			for _, result := range results {
				if each.Request == request && each.Result == result {
					a.mu.Unlock()
					return each
				}
			}
		}
		a.mu.Unlock()
	}
	a.t.Fatalf("%s did not come to %v: %+v", request, results, a.handled)
	return Handled{}
}

// runUntil runs it until a change has this result.
func (a *testApplier) runUntil(ctx context.Context, request string, result Result) {
	a.t.Helper()
	stop := a.run(ctx)
	a.until(request, result)
	stop()
}

// stopAtWork submits a change, and stops the applier while its handler is at work on it.
func (a *testApplier) stopAtWork(ctx context.Context, f *fakeLog) string {
	a.t.Helper()
	begun := make(chan struct{})
	a.Handle = a.apply(func(ctx context.Context) (Applied, error) {
		close(begun)
		<-ctx.Done()
		return Applied{}, Retryable(ctx.Err())
	})
	request := submitted(ctx, f, "app/payroll")
	stop := a.run(ctx)
	<-begun
	stop()
	if said := f.outcome(request); said != "" {
		a.t.Fatalf("reported %q", said)
	}
	return request
}

func (a *testApplier) calls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.applied)
}

func submitted(ctx context.Context, f *fakeLog, resource string) string {
	f.t.Helper()
	_, publisher := f.connect(ctx)
	decision, err := publisher.Submit(ctx, submission(resource))
	if err != nil {
		f.t.Fatal(err)
	}
	return decision.Request()
}

func TestOutcomeIsWhatTheHandlerSays(t *testing.T) {
	for name, each := range map[string]struct {
		handler func(calls int) error
		result  Result
		calls   int
		message string
	}{
		"applied":        {func(int) error { return nil }, Succeeded, 1, "as v2 v2"},
		"never":          {func(int) error { return Final(errors.New("no such object")) }, Failed, 1, "no such object"},
		"nobody knows":   {func(int) error { return Unknown(errors.New("it timed out\x00.")) }, UnknownOutcome, 1, "timed out ."},
		"any other":      {func(int) error { return errors.New("pass=1") }, UnknownOutcome, 1, "Its log has the details."},
		"a panic":        {func(int) error { panic("pass=1") }, UnknownOutcome, 1, "Its log has the details."},
		"after a while":  {func(calls int) error { return retryUntil(calls, 3) }, Succeeded, 3, ""},
		"too long a one": {func(int) error { return Unknown(errors.New(strings.Repeat("x", 5000))) }, UnknownOutcome, 1, "…"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, f, a := newTestApplier(t, time.Minute)
			a.Handle = a.apply(func(context.Context) (Applied, error) {
				return Applied{Message: "as v2", Version: "v2"}, each.handler(a.calls())
			})
			request := submitted(ctx, f, "app/payroll")
			a.runUntil(ctx, request, each.result)
			if a.calls() != each.calls {
				t.Errorf("called %d times", a.calls())
			}
			said := f.outcome(request)
			if !strings.HasPrefix(said, string(each.result)+":") || !strings.HasSuffix(said, each.message) {
				t.Errorf("reported %.100q", said)
			}
			if strings.Contains(said, "pass=1") {
				t.Errorf("%q is on the ledger for good", said)
			}
		})
	}
}

func retryUntil(calls, enough int) error {
	if calls < enough {
		return Retryable(errors.New("busy"))
	}
	return nil
}

func TestALeaseIsRenewedWhileTheHandlerWorksAndNotBeyondTheLimit(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Second)
	a.TimeLimit = 3 * time.Second
	begun := time.Now()
	a.Handle = a.apply(func(ctx context.Context) (Applied, error) {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 3*time.Second {
			t.Errorf("the deadline is %v", deadline)
		}
		<-ctx.Done()
		return Applied{}, nil
	})
	request := submitted(ctx, f, "app/long")
	a.runUntil(ctx, request, Succeeded)
	if took := time.Since(begun); took < 3*time.Second || f.renewed(request) < 2 {
		t.Errorf("%d renewals in %v", f.renewed(request), took)
	}
}

func TestHandlerEndsBeforeALeaseThatIsNotRenewed(t *testing.T) {
	ctx, f, a := newTestApplier(t, 2*time.Second)
	f.refuse(typeRenew, "lease-limit")
	a.Handle = a.apply(func(ctx context.Context) (Applied, error) {
		<-ctx.Done()
		return Applied{}, ctx.Err()
	})
	late := submitted(ctx, f, "app/late")
	begun := time.Now()
	stop := a.run(ctx)
	if told := a.until(late, Refused); !strings.Contains(told.Detail, "not renewed") {
		t.Error(told.Detail)
	}
	a.until(late, UnknownOutcome)
	stop()
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestRetriesEndWithTheTimeLimit(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	a.TimeLimit = 2 * time.Second
	a.Handle = a.apply(func(context.Context) (Applied, error) { return Applied{}, Retryable(errors.New("busy")) })
	request := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, request, Failed)
	if a.calls() < 2 || !strings.Contains(f.outcome(request), "Nothing was changed: busy") {
		t.Errorf("%d calls, %s", a.calls(), f.outcome(request))
	}
}

func TestStoppedAtWorkItContinuesWithTheSameClaim(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := a.stopAtWork(ctx, f)
	again := f.applier(ctx, a.StateDir)
	again.runUntil(ctx, request, Succeeded)
	if f.claims != 1 || again.calls() != 1 || again.applied[0] != a.applied[0] {
		t.Errorf("%d claims, %v and %v", f.claims, a.applied, again.applied)
	}
	if number := f.claimSeqs[request]; a.claims[0] != number || again.claims[0] != number {
		t.Errorf("claims %v and %v, not %d", a.claims, again.claims, number)
	}
	if left, _ := filepath.Glob(filepath.Join(a.StateDir, "*", request+".*")); len(left) > 0 {
		t.Errorf("left in hand: %v", left)
	}
}

func TestTheTargetIsReadBackBeforeAChangeIsAppliedAgain(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := a.stopAtWork(ctx, f)
	again := f.applier(ctx, a.StateDir)
	asked := 0
	again.ReadBack = func(context.Context, Change) (*Applied, error) {
		if asked++; asked < 3 {
			return nil, Retryable(errors.New("busy"))
		}
		return &Applied{Version: "v2"}, nil
	}
	again.runUntil(ctx, request, Succeeded)
	if again.calls() != 0 || f.outcome(request) != "succeeded:  v2" {
		t.Errorf("applied %d times, %q", again.calls(), f.outcome(request))
	}
}

func TestWhatALaterTryStatesSaysNothingOfOneThatWasCutOff(t *testing.T) {
	for name, each := range map[string]struct {
		readBack ReadBack
		result   Result
	}{
		"the target is not asked":  {nil, UnknownOutcome},
		"the target does not have": {func(context.Context, Change) (*Applied, error) { return nil, nil }, Failed},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, f, a := newTestApplier(t, time.Minute)
			request := a.stopAtWork(ctx, f)
			again := f.applier(ctx, a.StateDir)
			again.ReadBack = each.readBack
			again.Handle = again.apply(func(context.Context) (Applied, error) {
				return Applied{}, Final(errors.New("it is there already"))
			})
			again.runUntil(ctx, request, each.result)
		})
	}
}

func TestTheTargetIsReadBackBeforeAnOutcomeIsReportedAsUnknown(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	a.Handle = a.apply(func(context.Context) (Applied, error) { return Applied{}, errors.New("it timed out") })
	a.ReadBack = func(context.Context, Change) (*Applied, error) { return &Applied{}, nil }
	request := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, request, Succeeded)
}

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

func TestAfterTheLeaseNobodyKnowsWhatAStoppedApplierDid(t *testing.T) {
	ctx, f, a := newTestApplier(t, 3*time.Second)
	request := a.stopAtWork(ctx, f)
	time.Sleep(3 * time.Second)
	again := f.applier(ctx, a.StateDir)
	again.runUntil(ctx, request, UnknownOutcome)
	if again.calls() != 0 {
		t.Error("it was applied again")
	}
}

func TestOtherTypesAndForgeriesAreLeftAlone(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	f.silent = true
	a.Types = []string{"script"}
	request := submitted(ctx, f, "app/payroll")
	f.put(topicChanges, 0, []byte(`{"type":"assent.change.v1","request":"`+request+`","resource":"app/payroll",`+
		`"operation":"delete","requester":"alice","justification":"x","digest":"","submission":"","released":0,"at":0,`+
		`"payload":1}`), nil)
	f.put(topicChanges, 0, []byte("junk"), nil)
	stop := a.run(ctx)
	a.until(request, Forged)
	a.until("", Unreadable)
	stop()
	if f.claims != 0 || a.calls() != 0 {
		t.Error("it was claimed")
	}
}

func TestALogThatWasCutIsNotActedOn(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, request, Succeeded)
	// The same log, as it was before.
	cut := newFakeLog(t, time.Minute)
	if cut.identity != f.identity {
		t.Fatal("it is another log")
	}
	again := cut.applier(ctx, a.StateDir)
	if err := again.Run(ctx); !errors.Is(err, ErrLogDiffers) {
		t.Fatal(err)
	}
}

func TestAfterAnAcceptedLossItStartsAgainAndGoesByTheLoss(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	first := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, first, Succeeded)
	running := f.applier(ctx, t.TempDir())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	if _, err := running.Log.track(ctx); err != nil {
		t.Fatal(err)
	}
	f.lose()
	// What was claimed is given up: the release waits again.
	second := submitted(ctx, f, "app/payroll")
	if err := <-ended; !errors.Is(err, ErrLossAccepted) {
		t.Fatal(err)
	}
	again := f.applier(ctx, a.StateDir)
	stop := again.run(ctx)
	again.until(second, Succeeded)
	again.until(first, Succeeded)
	stop()
}

func TestALedgerOfWhichLessCountsThanBeforeIsNotActedOn(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := submitted(ctx, f, "app/payroll")
	a.runUntil(ctx, request, Succeeded)
	j, err := openJournal(a.StateDir, f.identity)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := j.heads()
	if err != nil {
		t.Fatal(err)
	}
	for partition, head := range kept {
		head.Head.Seq += 5
		kept[partition] = head
	}
	if err := j.keepHeads(kept); err != nil {
		t.Fatal(err)
	}
	j.close()
	again := f.applier(ctx, a.StateDir)
	if err := again.Run(ctx); !errors.Is(err, ErrLogDiffers) || !strings.Contains(err.Error(), "no longer counts") {
		t.Fatal(err)
	}
}

func TestAStateFolderOfThePythonClientIsRefused(t *testing.T) {
	f, folder := newFakeLog(t, time.Minute), t.TempDir()
	first, err := openJournal(folder, f.identity)
	if err != nil {
		t.Fatal(err)
	}
	first.close()
	if err := os.WriteFile(filepath.Join(first.folder, "journal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(folder, f.identity); err == nil || !strings.Contains(err.Error(), "Python client") {
		t.Fatal(err)
	}
}

func TestAStateFolderHasOneApplier(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	first, err := openJournal(t.TempDir(), f.identity)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	a := f.applier(ctx, filepath.Dir(first.folder))
	if err := a.Run(ctx); err == nil || !strings.Contains(err.Error(), "a state folder of its own") {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(first.folder, "identity"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	first.close()
	if err := a.Run(ctx); err == nil || !strings.Contains(err.Error(), "belongs to another log") {
		t.Fatal(err)
	}
}
