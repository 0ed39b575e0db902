package assent

import (
	"context"
	"errors"
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
