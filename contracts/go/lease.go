package assent

import (
	"context"
	"sync"
	"time"
)

// lease is how long a granted claim holds, by the log's clock alone.
//
// The decision on something that was sent at `sent` was made at log time logMS, and not before: so log time now is
// at most logMS and what has passed here since.
type lease struct {
	claim    int64 // its number: the ledger seq of its record
	deadline int64 // log time, ms
	digest   string
	logMS    int64
	sent     time.Time
}

// ends is when the lease may have ended, on this machine's monotonic clock.
func (l lease) ends() time.Time {
	return l.sent.Add(time.Duration(l.deadline-l.logMS) * time.Millisecond)
}

func (l lease) over() bool { return !time.Now().Before(l.ends()) }

// handlerEnds leaves a tenth of what is left of the lease, 10 s at most, for the report.
func (l lease) handlerEnds() time.Time {
	left := time.Until(l.ends())
	return time.Now().Add(left - min(left/10, 10*time.Second))
}

// workTime is the time that a handler has: until its lease ends, which may be renewed, and until a limit.
type workTime struct {
	ctx   context.Context // ends with the time
	limit time.Time

	mu    sync.Mutex
	lease lease
	timer *time.Timer
}

// newWorkTime begins it. The function that is returned ends it.
func newWorkTime(ctx context.Context, granted lease, limit time.Duration) (*workTime, context.CancelFunc) {
	work := &workTime{limit: time.Now().Add(limit), lease: granted}
	var cancel context.CancelFunc
	work.ctx, cancel = context.WithDeadline(ctx, work.limit)
	work.timer = time.AfterFunc(time.Until(granted.handlerEnds()), cancel)
	return work, func() {
		work.timer.Stop()
		cancel()
	}
}

func (w *workTime) now() lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lease
}

// renew takes over another deadline, from a decision that was made at log time logMS on something that was sent then.
func (w *workTime) renew(deadline, logMS int64, sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lease.deadline, w.lease.logMS, w.lease.sent = deadline, logMS, sent
	// If the time was over in the meantime, the context has ended, and stays so.
	w.timer.Reset(time.Until(w.lease.handlerEnds()))
}

// wait reports whether there is time left after a pause.
func (w *workTime) wait(pause time.Duration) bool {
	return time.Until(w.limit) > pause && sleep(w.ctx, pause)
}
