package assent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	slowAnswer  = time.Second
	askAtMost   = 3
	clockRetry  = time.Minute
	againAtMost = time.Hour

	releasedAgain = "It has been released again since."
)

// refused is a claim or a report that was refused: a new command is answered alike until something has changed.
type refused struct {
	refusal    *Refusal
	fresh      bool // the command had just been made
	governance int64
}

// doubtError states why nothing is done with a change that is claimed.
type doubtError struct{ detail string }

func (e *doubtError) Error() string { return e.detail }

// settleNow takes a change from wherever the journal is to its end. Every command's bytes are in the journal before
// they are sent, and are sent again until the ledger has decided them. What counts then is not the answer alone but
// what the ledger states of the request.
func (w *workers) settleNow(ctx context.Context, change Change) (Handled, error) {
	handled := Handled{Request: change.Request, Resource: change.Resource, Partition: -1, Offset: -1}
	found, _ := w.find(change)
	if found != nil && found.wasRelease(change) {
		handled.Result, handled.Detail = NotOpen, releasedAgain
		return handled, w.reportLate(ctx, change)
	}
	if found != nil && !found.isRelease(change) {
		handled.Result = OtherRelease
		handled.Detail = "The ledger has released something else under the id of what is in hand. Compare the target" +
			" with the ledger; then stop this applier and remove " + w.journal.path(change.Request, partChange) + "."
		return handled, nil
	}
	report, err := w.journal.read(change.Request, partReport)
	if err != nil {
		return handled, err
	}
	var applied outcome
	if report == nil {
		var alone string
		applied, alone, err = w.claimAndApply(ctx, change)
		var doubt *doubtError
		if errors.As(err, &doubt) {
			handled.Result, handled.Detail = NoEvidence, "It is claimed, and left alone: "+doubt.detail
			return handled, nil
		}
		if err != nil {
			return handled, err
		}
		if alone != "" {
			handled.Result, handled.Detail = NotClaimed, alone
			return handled, w.journal.drop(change.Request)
		}
		if report, err = w.writeReport(change, applied); err != nil {
			return handled, err
		}
	} else if applied, err = readReport(report); err != nil {
		return handled, err
	}
	if err := w.report(ctx, change, applied, report); err != nil {
		return handled, err
	}
	handled.Result, handled.Detail = applied.result, applied.forPeople()
	return handled, w.journal.drop(change.Request)
}

// reportLate drops a change that people have had released again. A report that was made of it is sent, and refused: so
// the ledger has what this applier knows of the earlier try.
func (w *workers) reportLate(ctx context.Context, change Change) error {
	report, err := w.journal.read(change.Request, partReport)
	if err != nil {
		return err
	}
	if report != nil {
		command, err := ReadCommand(report)
		if err != nil {
			return err
		}
		if _, _, err := w.publisher.send(ctx, command); err != nil {
			return err
		}
	}
	return w.journal.drop(change.Request)
}

func (w *workers) find(change Change) (*openRequest, string) {
	return w.publisher.tracker.find(change.Request)
}

// claimAndApply returns the outcome, or why there is nothing to do.
func (w *workers) claimAndApply(ctx context.Context, change Change) (outcome, string, error) {
	for {
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
			return outcome{}, "", ctx.Err()
		}
		applied, again, alone, err := w.tryToApply(ctx, change)
		<-w.slots
		if err != nil || alone != "" || again == nil {
			return applied, alone, err
		}
		// The slot is free while a refusal waits for people to do something about it.
		if err := w.beforeTryingAgain(ctx, *again, change); err != nil {
			return outcome{}, "", err
		}
	}
}

func (w *workers) tryToApply(ctx context.Context, change Change) (outcome, *refused, string, error) {
	granted, again, alone, err := w.claim(ctx, change)
	if err != nil || again != nil || alone != "" {
		return outcome{}, again, alone, err
	}
	applied, err := w.applyOnce(ctx, change, granted)
	applied.claim = granted.claim
	return applied, nil, "", err
}

// claim returns the lease of a granted claim; or a refusal to try again after; or why there is nothing to do.
func (w *workers) claim(ctx context.Context, change Change) (lease, *refused, string, error) {
	none := lease{}
	value, err := w.journal.read(change.Request, partClaim)
	if err != nil {
		return none, nil, "", err
	}
	var command Command
	fresh := value == nil
	if fresh {
		if command, err = newClaim(w.publisher.key.Principal, change); err != nil {
			return none, nil, "", err
		}
		if err := w.journal.write(change.Request, partClaim, command.Value); err != nil {
			return none, nil, "", err
		}
	} else if command, err = ReadCommand(value); err != nil {
		return none, nil, "", err
	}
	governance := w.governance()
	if found, _ := w.find(change); found != nil && found.wasRelease(change) {
		return none, nil, releasedAgain, nil
	}
	for asked := 1; ; asked++ {
		answer, sent, err := w.publisher.send(ctx, command)
		if err != nil {
			return none, nil, "", err
		}
		found, doubt := w.find(change)
		switch {
		case found == nil || !found.isReleased():
			return none, nil, "The request has ended.", nil
		case doubt != "":
			return none, nil, "", &doubtError{doubt}
		case found.grant == nil:
			err := w.journal.forget(change.Request, partClaim)
			return none, &refused{answer.Refusal, fresh, governance}, "", err
		case found.grant.command != command.ID || found.grant.applier != w.publisher.key.Principal:
			return none, nil, found.grant.applier + " has claimed it.", nil
		}
		granted := lease{found.grant.number, found.grant.deadline, found.grant.digest, answer.At, sent}
		if found.state == unsettled {
			granted.deadline = 0
		}
		// A slow answer gives a poor estimate of the time: one more, to the same bytes, gives a good one.
		if !granted.over() || found.state == unsettled || time.Since(sent) < slowAnswer || asked == askAtMost {
			return granted, nil, "", nil
		}
	}
}

func (w *workers) writeReport(change Change, applied outcome) ([]byte, error) {
	command, err := newReport(w.publisher.key.Principal, change, applied)
	if err != nil {
		return nil, err
	}
	return command.Value, w.journal.write(change.Request, partReport, command.Value)
}

func readReport(value []byte) (outcome, error) {
	members, err := readObject(value)
	if err != nil {
		return outcome{}, fmt.Errorf("the report in the journal cannot be read: %w", err)
	}
	result, _ := members.text("outcome")
	message, _ := members.text("message")
	claim, ok := members.integer("claim")
	if !ok {
		claim = -1 // of an earlier version: it counts for the current claim
	}
	version, _ := members.text("version")
	return outcome{result: Result(result), message: message, version: version, claim: claim}, nil
}

// report sends the outcome until the ledger has it, or there is nothing to report any more.
func (w *workers) report(ctx context.Context, change Change, applied outcome, value []byte) error {
	if found, _ := w.find(change); found == nil {
		return nil // it has ended
	}
	for fresh := false; ; fresh = true {
		command, err := ReadCommand(value)
		if err != nil {
			return err
		}
		governance := w.governance()
		answer, _, err := w.publisher.send(ctx, command)
		if err != nil {
			return err
		}
		found, _ := w.find(change)
		if found == nil || found.grant == nil || found.grant.applier != w.publisher.key.Principal ||
			(applied.claim >= 0 && found.grant.number != applied.claim) ||
			(applied.result == UnknownOutcome && found.state == unsettled) {
			return nil
		}
		if err := w.beforeTryingAgain(ctx, refused{answer.Refusal, fresh, governance}, change); err != nil {
			return err
		}
		if value, err = w.writeReport(change, applied); err != nil {
			return err
		}
	}
}

// beforeTryingAgain waits until a new command may be answered otherwise: for the time, or for governance.
func (w *workers) beforeTryingAgain(ctx context.Context, was refused, change Change) error {
	if was.refusal == nil || !was.fresh {
		return nil
	}
	w.tell(Handled{
		Result: Refused, Detail: was.refusal.Error(), Request: change.Request, Resource: change.Resource,
		Partition: -1, Offset: -1,
	})
	waiting, cancel := ctx, context.CancelFunc(func() {})
	switch {
	case was.refusal.AgainAt > 0:
		pause := time.Until(time.UnixMilli(was.refusal.AgainAt))
		waiting, cancel = context.WithTimeout(ctx, min(max(pause, time.Second), againAtMost))
	case was.refusal.Code == "stale":
		waiting, cancel = context.WithTimeout(ctx, clockRetry)
	}
	defer cancel()
	isTimed := waiting != ctx
	err := w.applier.Log.until(waiting, func() bool {
		found := w.publisher.tracker.findLocked(change.Request)
		return found == nil || found.wasRelease(change) || (!isTimed && w.applier.Log.writers.head > was.governance)
	})
	if isTimed && errors.Is(err, context.DeadlineExceeded) {
		return ctx.Err()
	}
	return err
}

func (w *workers) governance() int64 {
	log := w.applier.Log
	log.mu.Lock()
	defer log.mu.Unlock()
	return log.writers.head
}
