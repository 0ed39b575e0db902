package assent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
		Handle: a.apply(func(context.Context) error { return nil }), FinishWithin: 200 * time.Millisecond,
		OnHandled: func(handled Handled) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.handled = append(a.handled, handled)
		},
	}
	return a
}

// apply is a handler that notes what it was called with.
func (a *testApplier) apply(do func(context.Context) error) Handler {
	return func(ctx context.Context, change Change) error {
		a.mu.Lock()
		a.applied = append(a.applied, change.IdempotencyKey())
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
	a.Handle = a.apply(func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		return Retryable(ctx.Err())
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
		"applied":        {func(int) error { return nil }, Succeeded, 1, ""},
		"never":          {func(int) error { return Final(errors.New("no such object")) }, Failed, 1, "no such object"},
		"nobody knows":   {func(int) error { return Unknown(errors.New("it timed out")) }, UnknownOutcome, 1, "timed out"},
		"any other":      {func(int) error { return errors.New("what") }, UnknownOutcome, 1, "what"},
		"a panic":        {func(int) error { panic("oh\x00") }, UnknownOutcome, 1, "oh "},
		"after a while":  {func(calls int) error { return retryUntil(calls, 3) }, Succeeded, 3, ""},
		"too long a one": {func(int) error { return Unknown(errors.New(strings.Repeat("x", 5000))) }, UnknownOutcome, 1, "…"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, f, a := newTestApplier(t, time.Minute)
			a.Handle = a.apply(func(context.Context) error { return each.handler(a.calls()) })
			request := submitted(ctx, f, "app/payroll")
			a.runUntil(ctx, request, each.result)
			if a.calls() != each.calls {
				t.Errorf("called %d times", a.calls())
			}
			said := f.outcome(request)
			if !strings.HasPrefix(said, string(each.result)+":") || !strings.Contains(said, each.message) {
				t.Errorf("reported %.100q", said)
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

func TestHandlerEndsBeforeTheLease(t *testing.T) {
	ctx, f, a := newTestApplier(t, 3*time.Second)
	a.Handle = a.apply(func(ctx context.Context) error {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 3*time.Second {
			t.Errorf("the deadline is %v", deadline)
		}
		<-ctx.Done()
		return ctx.Err()
	})
	late := submitted(ctx, f, "app/late")
	stop := a.run(ctx)
	a.until(late, UnknownOutcome)
	a.Handle = nil
	stop()
}

func TestRetriesEndWithTheLease(t *testing.T) {
	ctx, f, a := newTestApplier(t, 2*time.Second)
	a.Handle = a.apply(func(context.Context) error { return Retryable(errors.New("busy")) })
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

func TestRecallIsAskedBeforeAChangeIsAppliedAgain(t *testing.T) {
	ctx, f, a := newTestApplier(t, time.Minute)
	request := a.stopAtWork(ctx, f)
	again := f.applier(ctx, a.StateDir)
	again.Recall = func(context.Context, Change) (bool, error) { return true, nil }
	again.runUntil(ctx, request, Succeeded)
	if again.calls() != 0 {
		t.Error("it was applied again")
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
