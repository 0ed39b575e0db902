package assent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Handler applies one change. It may be called again for a change that it has applied, after a crash: give
// change.IdempotencyKey to the target. The context ends before the applier's lease does, which is renewed until the
// applier's TimeLimit. See Retryable, Final and Unknown for what its error means.
type Handler func(ctx context.Context, change Change) (Applied, error)

// ReadBack returns what the target shows of a change that may have been made, and changes nothing: nil if the change was
// not made. An error means that the target does not answer that; Retryable, that it may if it is asked again.
type ReadBack func(ctx context.Context, change Change) (*Applied, error)

// Handled is one record of assent.changes, or one change in hand, and what became of it.
type Handled struct {
	Result    Result
	Detail    string // for people
	Request   string // empty if it could not be read
	Resource  string
	Partition int   // of assent.changes; -1 for a change in hand
	Offset    int64 // -1 for a change in hand
}

// Applier applies what is released, for one principal with the role applier. Each change is compared with the
// accepted release, claimed, applied while the lease holds, and reported. What it has in hand is in StateDir, so
// that it continues where it was after a crash anywhere.
type Applier struct {
	Log      *Log
	Key      *Key
	StateDir string // of its own, kept across restarts
	Handle   Handler

	// ReadBack is optional. It is asked after a crash, before the handler is called again, and when the outcome is unknown.
	ReadBack ReadBack
	// TimeLimit is how long the handler may work on one change, all its tries together; 15 min if 0.
	TimeLimit   time.Duration
	Types       []string      // leave changes to other types of objects alone; all types if empty
	Concurrency int           // changes that are applied at once, one of each object; 16 if 0
	OnHandled   func(Handled) // optional; called from several goroutines
	// FinishWithin is how long changes in hand may take once Run's context ends; 5 s if 0.
	FinishWithin time.Duration
}

// Run applies changes until ctx ends, which is no error. Kafka may be away in the meantime. It returns an error when
// the log is not the one that it has gone by, or its state folder cannot be used.
func (a *Applier) Run(ctx context.Context) error {
	if a.StateDir == "" {
		return errors.New("the applier has no StateDir: name a folder of its own, which it keeps across restarts")
	}
	journal, err := openJournal(a.StateDir, a.Log.identity)
	if err != nil {
		return err
	}
	defer journal.close()
	if err := a.run(ctx, journal); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (a *Applier) run(ctx context.Context, journal *journal) error {
	publisher, err := NewPublisher(ctx, a.Log, a.Key, "/assent/applier/"+a.Key.Principal)
	if err != nil {
		return err
	}
	defer publisher.Close()
	if err := a.compare(ctx, journal, publisher.tracker); err != nil {
		return err
	}
	taking, stopTaking := context.WithCancelCause(ctx)
	defer stopTaking(nil)
	// What is in hand may finish after Run was told to stop.
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorking()
	w := newWorkers(a, journal, publisher, working, stopTaking)
	entries, err := journal.entries()
	if err != nil {
		return err
	}
	for _, request := range entries {
		change, err := journal.change(request)
		if err != nil {
			return err
		}
		w.settle(change)
	}
	err = w.takeChanges(taking)
	stopTaking(err)
	within := a.FinishWithin
	if within == 0 {
		within = 5 * time.Second
	}
	timer := time.AfterFunc(within, stopWorking)
	defer timer.Stop()
	w.busy.Wait()
	return errors.Join(context.Cause(taking), journal.keepHeads(publisher.tracker.heads()))
}

// compare reads the ledger to its end and holds it against what the journal knows.
func (a *Applier) compare(ctx context.Context, journal *journal, tracked *tracker) error {
	kept, err := journal.heads()
	if err != nil {
		return err
	}
	if err := retrying(ctx, func() error { return a.Log.remember(ctx, kept) }); err != nil {
		return err
	}
	if err := retrying(ctx, func() error { return tracked.catchUp(ctx) }); err != nil {
		return err
	}
	return tracked.reaches(kept)
}

// workers is the changes in hand of one run.
type workers struct {
	applier   *Applier
	journal   *journal
	publisher *Publisher
	working   context.Context
	fail      context.CancelCauseFunc
	slots     chan struct{}
	types     map[string]bool
	busy      sync.WaitGroup

	mu     sync.Mutex
	inHand map[string]Change
	last   map[string]chan struct{} // closed when the last change to an object is done with
}

func newWorkers(a *Applier, j *journal, p *Publisher, working context.Context, fail context.CancelCauseFunc) *workers {
	concurrency := a.Concurrency
	if concurrency == 0 {
		concurrency = 16
	}
	w := &workers{
		applier: a, journal: j, publisher: p, working: working, fail: fail, slots: make(chan struct{}, concurrency),
		inHand: map[string]Change{}, last: map[string]chan struct{}{},
	}
	if len(a.Types) > 0 {
		w.types = map[string]bool{}
		for _, each := range a.Types {
			w.types[each] = true
		}
	}
	return w
}

// takeChanges reads assent.changes from its beginning: seeing a change again does no harm, as the ledger
// states whether it still waits.
func (w *workers) takeChanges(ctx context.Context) error {
	log := w.applier.Log
	var partitions map[int]int64
	err := retrying(ctx, func() (err error) {
		partitions, err = log.beginnings(ctx, topicChanges)
		return err
	})
	if err != nil {
		return err
	}
	from := map[int32]int64{}
	for partition, offset := range partitions {
		from[int32(partition)] = offset
	}
	// The topic forgets, and may be recreated: then it is read from its beginning.
	client, err := log.consumer(topicChanges, from, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	kept := time.Now()
	for {
		fetches := client.PollFetches(ctx)
		if err := fetchError(ctx, fetches); err != nil {
			return err
		}
		// A release is on the ledger before it is written here: after this, what is unknown is forged.
		if err := retrying(ctx, func() error { return w.publisher.tracker.catchUp(ctx) }); err != nil {
			return err
		}
		for _, record := range fetches.Records() {
			if err := w.take(ctx, record); err != nil {
				return err
			}
		}
		if time.Since(kept) > 5*time.Second {
			if err := w.journal.keepHeads(w.publisher.tracker.heads()); err != nil {
				return err
			}
			kept = time.Now()
		}
	}
}

func (w *workers) take(ctx context.Context, record *kgo.Record) error {
	if record.Attrs.IsControl() {
		return nil
	}
	alone := Handled{Result: Unreadable, Partition: int(record.Partition), Offset: record.Offset}
	change, err := readChange(record.Value)
	if err != nil {
		alone.Detail = err.Error()
		w.tell(alone)
		return nil
	}
	alone.Request, alone.Resource = change.Request, change.Resource
	found, doubt := w.publisher.tracker.find(change.Request)
	inHand := w.hasInHand(ctx, change, found)
	if alone.Result, alone.Detail = leftAlone(change, found, doubt, w.types, inHand); alone.Result != "" {
		w.tell(alone)
		return nil
	}
	if err := w.journal.begin(change); err != nil {
		return err
	}
	w.settle(change)
	return nil
}

// hasInHand reports whether a change is in hand. If that is an earlier release of its request, it is waited for until
// that is dropped: people had it released again, so only its report can be left.
func (w *workers) hasInHand(ctx context.Context, change Change, found *openRequest) bool {
	w.mu.Lock()
	earlier, there := w.inHand[change.Request]
	done := w.last[earlier.Resource]
	w.mu.Unlock()
	if !there || found == nil || done == nil || !found.isRelease(change) || !found.wasRelease(earlier) {
		return there
	}
	select {
	case <-done:
		return false
	case <-ctx.Done():
		return true
	}
}

func (w *workers) tell(handled Handled) {
	if w.applier.OnHandled != nil {
		w.applier.OnHandled(handled)
	}
}

// settle takes a change to its end in the background, after the one before it to the same object.
func (w *workers) settle(change Change) {
	w.mu.Lock()
	before, done := w.last[change.Resource], make(chan struct{})
	w.last[change.Resource] = done
	w.inHand[change.Request] = change
	w.mu.Unlock()
	w.busy.Add(1)
	go func() {
		defer w.busy.Done()
		defer close(done)
		if before != nil {
			select {
			case <-before:
			case <-w.working.Done():
				return
			}
		}
		handled, err := w.settleNow(w.working, change)
		if err != nil {
			if w.working.Err() == nil {
				w.fail(fmt.Errorf("request %s: %w", change.Request, err))
			}
			return
		}
		w.tell(handled)
		w.mu.Lock()
		defer w.mu.Unlock()
		// What is in doubt stays in hand: people compare the target with the ledger first.
		if handled.Result != OtherRelease && handled.Result != NoEvidence {
			delete(w.inHand, change.Request)
		}
		if w.last[change.Resource] == done {
			delete(w.last, change.Resource)
		}
	}()
}
