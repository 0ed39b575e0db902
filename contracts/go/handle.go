package assent

import (
	"context"
	"fmt"
	"time"
)

const (
	timeLimit     = 15 * time.Minute
	readBackLimit = time.Minute
	renewSoonest  = 100 * time.Millisecond
)

// applyOnce calls the handler, unless the claimed change is not what was released, or the lease may have ended.
func (w *workers) applyOnce(ctx context.Context, change Change, granted lease) (outcome, error) {
	change.Claim = granted.claim
	change.IdempotencyKey = idempotencyKey(w.applier.Log.identity, change)
	found, _ := w.find(change)
	if sha256Hex(change.Payload) != granted.digest || (found != nil && !found.isRelease(change)) {
		return outcome{result: Failed, message: "Nothing was changed: the change is not what the ledger has released."}, nil
	}
	if found != nil {
		change.Approvers = found.approvers
		for _, earlier := range found.earlier {
			before := change
			before.Released, before.At = earlier.seq, earlier.at
			change.EarlierKeys = append(change.EarlierKeys, idempotencyKey(w.applier.Log.identity, before))
		}
	}
	begun, err := w.journal.read(change.Request, partBegun)
	if err != nil {
		return outcome{}, err
	}
	before := begun != nil
	if before {
		if shown, err := w.readBack(ctx, change); err != nil || shown != nil {
			return shown.orNone(), err
		}
	} else if err := w.journal.write(change.Request, partBegun, nil); err != nil {
		return outcome{}, err
	}
	switch {
	case granted.over() && before:
		return outcome{result: UnknownOutcome, message: "The applier was stopped at work, and its lease ended in the meantime."}, nil
	case granted.over():
		return outcome{result: Failed, message: "Nothing was changed: the lease ended before the applier began."}, nil
	}
	applied, err := w.handle(ctx, change, granted, before && w.applier.ReadBack == nil)
	if err != nil || applied.result != UnknownOutcome {
		return applied, err
	}
	if shown, err := w.readBack(ctx, change); err != nil || (shown != nil && shown.result == Succeeded) {
		return shown.orNone(), err
	}
	return applied, nil
}

// handle calls the handler until it returns something else than Retryable, or its time is over. The lease is renewed in
// the meantime. cutOff: the change may have been applied before a crash, and the target was not asked.
func (w *workers) handle(ctx context.Context, change Change, granted lease, cutOff bool) (outcome, error) {
	limit := w.applier.TimeLimit
	if limit == 0 {
		limit = timeLimit
	}
	work, end := newWorkTime(ctx, granted, limit)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		w.keepRenewing(work, change)
	}()
	defer func() {
		end()
		<-renewed
	}()
	for pause := retryFirst; ; pause = min(2*pause, retryMost) {
		applied, err := guarded(func() (Applied, error) { return w.applier.Handle(work.ctx, change) })
		named := answer(err)
		if err != nil && ctx.Err() != nil && (named == nil || named.kind != kindFinal) {
			// Run was told to stop: what is in the journal is taken up again at the next start.
			return outcome{}, ctx.Err()
		}
		if named == nil || named.kind != kindRetryable {
			return outcomeOf(applied, err, cutOff), nil
		}
		if !work.wait(max(pause, named.after)) {
			return outcomeOf(applied, err, cutOff), ctx.Err()
		}
	}
}

// keepRenewing renews the lease whenever half of it has passed and the handler may need the rest.
func (w *workers) keepRenewing(work *workTime, change Change) {
	for {
		granted := work.now()
		if !sleep(work.ctx, max(time.Until(granted.ends())/2, renewSoonest)) ||
			granted.over() || !granted.ends().Before(work.limit) {
			return
		}
		command, err := newRenewal(w.publisher.key.Principal, change)
		if err != nil {
			return // it has only texts that were read from JSON
		}
		answer, sent, err := w.publisher.send(work.ctx, command)
		if err != nil {
			return // the handler is done, or its time is over
		}
		found, _ := w.find(change)
		if found == nil || found.grant == nil || found.grant.number != granted.claim || found.state == unsettled {
			return
		}
		// By the ledger's state, and not by the answer, which may only point at a first decision.
		work.renew(found.grant.deadline, answer.At, sent)
		if answer.Refusal != nil && answer.Refusal.Code != "too-many-commands" {
			w.tell(Handled{
				Result: Refused, Detail: "The lease is not renewed: " + answer.Refusal.Error(), Request: change.Request,
				Resource: change.Resource, Partition: -1, Offset: -1,
			})
			return
		}
	}
}

// readBack is what the target shows of a change that may have been made; nil if it was not made, or cannot be asked.
func (w *workers) readBack(ctx context.Context, change Change) (*outcome, error) {
	if w.applier.ReadBack == nil {
		return nil, nil
	}
	asking, cancel := context.WithTimeout(ctx, readBackLimit)
	defer cancel()
	for pause := retryFirst; ; pause = min(2*pause, retryMost) {
		applied, err := guarded(func() (*Applied, error) { return w.applier.ReadBack(asking, change) })
		switch named := answer(err); {
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && applied == nil:
			return nil, nil
		case err == nil:
			shown := succeeded(*applied)
			return &shown, nil
		case named == nil || named.kind != kindRetryable:
			shown := outcomeOf(Applied{}, err, true)
			return &shown, nil
		case !sleep(asking, max(pause, named.after)):
			return &outcome{
				result:  UnknownOutcome,
				message: "The target did not state whether the change was made: " + err.Error(),
			}, ctx.Err()
		}
	}
}

func (o *outcome) orNone() outcome {
	if o == nil {
		return outcome{}
	}
	return *o
}

// guarded turns a panic into an error that is not an answer.
func guarded[T any](do func() (T, error)) (result T, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("it panicked: %v", cause)
		}
	}()
	return do()
}
