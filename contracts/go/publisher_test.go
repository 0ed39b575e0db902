package assent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSubmissionIsDecidedAndTheSameBytesGetTheFirstDecision(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	command, err := NewSubmission("alice", submission("app/payroll"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := publisher.Send(ctx, command)
	if err != nil || first.Request() == "" || first.Repeated {
		t.Fatalf("%+v, %v", first, err)
	}
	// As another process would, of which the first decision is in the past.
	_, other := f.connect(ctx)
	again, err := other.Resend(ctx, command.Value)
	if err != nil || again.Request() != first.Request() || !again.Repeated {
		t.Fatalf("%+v, %v", again, err)
	}
}

func TestTheSameSubmissionUnderTheSameIDIsTheSameRequestAtAnyTime(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	build := submission("app/manual")
	build.ID = "build-7"
	first, err := publisher.Submit(ctx, build)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // the command's time differs
	if again, err := publisher.Submit(ctx, build); err != nil || again.Request() != first.Request() || !again.Repeated {
		t.Errorf("%+v, %v", again, err)
	}
	build.Details.Base = "v2"
	_, err = publisher.Submit(ctx, build)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != "id-reused" {
		t.Errorf("another change under the id: %v", err)
	}
}

func TestRefusalIsTheError(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	_, err := publisher.Submit(ctx, submission("app/locked"))
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != "resource-locked" || !strings.Contains(err.Error(), "Wait for") {
		t.Fatal(err)
	}
	spoiled := submission("app/payroll")
	spoiled.Payload = []byte(`{"a":1,"a":2}`)
	if _, err = publisher.Submit(ctx, spoiled); !errors.As(err, &refusal) || refusal.Code != "malformed" {
		t.Fatal(err)
	}
	spoiled.Payload = []byte(`1,"payload":2`)
	if _, err = publisher.Submit(ctx, spoiled); !errors.As(err, &refusal) || refusal.Code != "malformed" {
		t.Fatal(err)
	}
	spoiled = submission("app/payroll")
	spoiled.Justification = "\xff"
	if _, err = publisher.Submit(ctx, spoiled); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Fatal(err)
	}
}

func TestWithoutDecisionTheCommandIsInTheError(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	f.mu.Lock() // the decider waits
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err := publisher.Submit(short, submission("app/payroll"))
	f.mu.Unlock()
	var undecided *NotDecidedError
	if !errors.As(err, &undecided) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	decision, err := publisher.Resend(ctx, undecided.Command.Value)
	if err != nil || decision.Request() == "" {
		t.Fatalf("%+v, %v", decision, err)
	}
}

func TestWaitForABrokerThatIsAwayEndsWithTheContext(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	f.cluster.Close()
	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := publisher.Submit(short, submission("app/payroll"))
	var undecided *NotDecidedError
	if !errors.As(err, &undecided) || time.Since(begun) > 5*time.Second {
		t.Fatal(time.Since(begun), err)
	}
}

func TestAnswersThatComeEarlyAreKeptForTheirCommands(t *testing.T) {
	tracked := &tracker{log: &Log{}, early: map[place]Decision{}, waiting: map[place]chan Decision{}}
	tracked.folds = []*requestFold{newRequestFold(0, newSetReleases(), nil)}
	known := tracked.expect()
	for offset := range int64(earlyMax + 2) {
		tracked.take(Accepted{LedgerRecord: LedgerRecord{Seq: offset, Input: offset}})
	}
	if len(tracked.early) != earlyMax {
		t.Fatal(len(tracked.early))
	}
	if early := <-tracked.register(place{0, earlyMax + 1}); early.Seq != earlyMax+1 {
		t.Fatal(early)
	}
	if known(); len(tracked.early) != 0 {
		t.Fatal("they are kept for ever")
	}
}

func TestEndOfARequestIsFollowedNowAndLater(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	decision, err := publisher.Submit(ctx, submission("app/payroll"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan End, 1)
	go func() {
		end, err := publisher.Follow(ctx, decision.Request())
		if err != nil {
			t.Error(err)
		}
		ended <- end
	}()
	defer f.applier(ctx, t.TempDir()).run(ctx)()
	end := <-ended
	if end.Status != "completed" || end.By != "applier" {
		t.Fatalf("%+v", end)
	}
	_, other := f.connect(ctx)
	if past, err := other.Follow(ctx, decision.Request()); err != nil || past != end {
		t.Fatalf("%+v, %v", past, err)
	}
	if _, err := other.Follow(ctx, "0-9999"); err == nil || !strings.Contains(err.Error(), "no request") {
		t.Fatal(err)
	}
	if _, err := other.Follow(ctx, "x"); err == nil || !strings.Contains(err.Error(), "<partition>-<seq>") {
		t.Fatal(err)
	}
}

// approve approves a request as bob.
func approve(ctx context.Context, t *testing.T, f *fakeLog, publisher *Publisher, request string) {
	t.Helper()
	command, err := NewApproval("bob", f.open[request].Resource, request, f.open[request].SHA256, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publisher.Send(ctx, command); err != nil {
		t.Fatal(err)
	}
}

func TestWaitAppliedCompletesARequestThatWasApprovedBeforeTheWaitOrIsApprovedLater(t *testing.T) {
	for name, before := range map[string]bool{"before": true, "later": false} {
		t.Run(name, func(t *testing.T) {
			ctx, f := testContext(t), newFakeLog(t, time.Minute)
			_, publisher := f.connect(ctx)
			defer f.applier(ctx, t.TempDir()).run(ctx)()
			request := submitted(ctx, f, "app/manual")
			if before {
				approve(ctx, t, f, publisher, request)
			}
			ended := make(chan End, 1)
			go func() {
				end, err := publisher.WaitApplied(ctx, request)
				if err != nil {
					t.Error(err)
				}
				ended <- end
			}()
			if !before {
				approve(ctx, t, f, publisher, request)
			}
			end := <-ended
			if end.Status != "completed" {
				t.Errorf("%+v", end)
			}
			if past, err := publisher.WaitApplied(ctx, request); err != nil || past != end {
				t.Errorf("it has ended before: %+v, %v", past, err)
			}
		})
	}
}

func TestWaitAppliedReturnsWhyAnApprovedRequestCannotBeCompleted(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	request := submitted(ctx, f, "app/manual")
	approve(ctx, t, f, publisher, request)
	f.refuse(typeDone, "requester-not-permitted")
	_, err := publisher.WaitApplied(ctx, request)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != "requester-not-permitted" {
		t.Fatal(err)
	}
	f.refuse(typeDone, "outdated") // it was reopened in the meantime, and is approved again some day
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := publisher.WaitApplied(short, request); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestASetWhoseMemberIsRefusedIsCanceled(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	_, publisher := f.connect(ctx)
	changes := []SetChange{
		{Resource: "app/a", Operation: "edit", Payload: []byte("1"), Base: "v1"},
		{Resource: "app/locked", Operation: "edit", Payload: []byte("2")},
	}
	_, err := publisher.SubmitSet(ctx, Set{Name: "app/set", Justification: "Both.", Changes: changes})
	var refusal *Refusal
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "app/locked") {
		t.Fatal(err)
	}
	for request, of := range f.open {
		if of.Details.Members > 0 {
			if end, err := publisher.Follow(ctx, request); err != nil || end.Status != "canceled" {
				t.Errorf("%+v, %v", end, err)
			}
		}
	}
	if _, err := publisher.SubmitSet(ctx, Set{Name: "app/set", Justification: "None."}); err == nil {
		t.Error("a set has a member")
	}
}

func TestAnotherLogIsNotConnectedTo(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	config := f.config()
	config.Identity = strings.Repeat("ab", 32)
	if _, err := Connect(ctx, config); !errors.Is(err, ErrNotFounded) {
		t.Fatal(err)
	}
	config.Identity = "ab"
	if _, err := Connect(ctx, config); err == nil || !strings.Contains(err.Error(), "64 hex digits") {
		t.Fatal(err)
	}
}

func TestLedgerReaderReturnsWhatCounts(t *testing.T) {
	ctx, f := testContext(t), newFakeLog(t, time.Minute)
	log, publisher := f.connect(ctx)
	f.put(topicLedger, 0, []byte("junk"), nil)
	for _, resource := range []string{"app/a", "app/b", "app/c"} {
		if _, err := publisher.Submit(ctx, submission(resource)); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := NewLedgerReader(ctx, log)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var resources []string
	for len(resources) < 3 {
		records, err := reader.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range records {
			command, _ := each.RecordedCommand()
			submitted, err := ReadSubmission(command.Value)
			if err != nil {
				t.Fatal(err)
			}
			resources = append(resources, submitted.Resource)
		}
	}
	if _, err := NewLedgerReader(ctx, log, fakePartitions); err == nil {
		t.Fatal("there is no such partition")
	}
}
