package assent

import (
	"context"
	"fmt"
)

// place is where a command is on assent.commands: its partition and offset.
type place struct {
	partition int
	offset    int64
}

// earlyMax is how many answers are kept while an acknowledgement may still be on its way.
const earlyMax = 10_000

// tracker follows the whole ledger of requests of a log: the open requests, and the answers that are awaited.
// Everything in it is guarded by the log's mutex.
type tracker struct {
	log     *Log
	reader  *LedgerReader
	folds   []*requestFold
	heardTo map[int]int64 // the offset up to which each partition is in the folds
	sending int
	early   map[place]Decision
	order   []place // of early, the oldest first
	waiting map[place]chan Decision
	ends    map[string]chan End
}

// track starts to follow the ledger, once for all publishers and appliers of a log.
func (l *Log) track(ctx context.Context) (*tracker, error) {
	l.trackOnce.Do(func() {
		t := &tracker{
			log: l, early: map[place]Decision{}, waiting: map[place]chan Decision{}, ends: map[string]chan End{},
			heardTo: map[int]int64{},
		}
		sets := newSetReleases()
		for partition := range l.Partitions() {
			t.folds = append(t.folds, newRequestFold(partition, sets, t.requestEnded))
		}
		if t.reader, l.trackErr = NewLedgerReader(ctx, l); l.trackErr != nil {
			return
		}
		running, cancel := context.WithCancel(context.Background())
		before := l.cancel
		l.cancel = func() { cancel(); before() }
		l.done.Add(1)
		go t.follow(running)
		l.tracked = t
	})
	return l.tracked, l.trackErr
}

func (t *tracker) follow(ctx context.Context) {
	defer t.log.done.Done()
	defer t.reader.Close()
	for {
		accepted, err := t.reader.Poll(ctx)
		if err != nil {
			t.log.fail(err)
			return
		}
		t.log.mu.Lock()
		for _, each := range accepted {
			t.take(each)
		}
		for partition, offset := range t.reader.readTo {
			t.heardTo[partition] = offset
		}
		t.log.wakeUp()
		t.log.mu.Unlock()
	}
}

func (t *tracker) take(accepted Accepted) {
	t.folds[accepted.Partition].take(accepted)
	if accepted.Input < 0 {
		return
	}
	at := place{accepted.Partition, accepted.Input}
	if waiting, ok := t.waiting[at]; ok {
		waiting <- decisionOf(accepted)
		delete(t.waiting, at)
	} else if t.sending > 0 {
		t.early[at] = decisionOf(accepted)
		if t.order = append(t.order, at); len(t.order) > earlyMax {
			delete(t.early, t.order[0])
			t.order = t.order[1:]
		}
	}
}

func (t *tracker) requestEnded(end End) {
	if waiting, ok := t.ends[end.Request]; ok {
		waiting <- end
		delete(t.ends, end.Request)
	}
}

// expect is called before a command is sent: its answer may be read before the broker has acknowledged it. The
// function that it returns is called once the answer is registered, or will never be.
func (t *tracker) expect() func() {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	t.sending++
	return func() {
		t.log.mu.Lock()
		defer t.log.mu.Unlock()
		if t.sending--; t.sending == 0 {
			clear(t.early)
			t.order = nil
		}
	}
}

// register awaits the decision on the command at a place, from now on.
func (t *tracker) register(at place) chan Decision {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	waiting := make(chan Decision, 1)
	if early, ok := t.early[at]; ok {
		waiting <- early
	} else {
		t.waiting[at] = waiting
	}
	return waiting
}

// answer waits for a decision that is awaited.
func (t *tracker) answer(ctx context.Context, at place, waiting chan Decision) (Decision, error) {
	var found Decision
	err := t.log.until(ctx, func() bool {
		select {
		case found = <-waiting:
			return true
		default:
			return false
		}
	})
	if err != nil {
		t.log.mu.Lock()
		delete(t.waiting, at)
		t.log.mu.Unlock()
	}
	return found, err
}

// catchUp returns when everything that is on the ledger now has been read.
func (t *tracker) catchUp(ctx context.Context) error {
	ends, err := t.log.ends(ctx, topicLedger)
	if err != nil {
		return err
	}
	return t.log.until(ctx, func() bool {
		for partition := range t.folds {
			if t.heardTo[partition] < ends[partition] {
				return false
			}
		}
		return true
	})
}

// find returns a copy of an open request, and why nothing of it may be applied if that is so; nil if it is not open.
func (t *tracker) find(request string) (*openRequest, string) {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	found := t.findLocked(request)
	if found == nil {
		return nil, ""
	}
	partition, _, _ := parseRequestID(request)
	copied := *found
	return &copied, t.folds[partition].doubt(found)
}

// findLocked returns an open request, or nil; the log's mutex is held.
func (t *tracker) findLocked(request string) *openRequest {
	partition, _, ok := parseRequestID(request)
	if !ok || partition >= len(t.folds) {
		return nil
	}
	return t.folds[partition].find(request)
}

// endOf waits for the end of a request. Whenever it is approved, and at first if it already is, onApproved is called;
// then the wait goes on, unless there is an error.
func (t *tracker) endOf(ctx context.Context, request string, onApproved func(openRequest) error) (End, error) {
	partition, seq, ok := parseRequestID(request)
	if !ok || partition >= len(t.folds) {
		return End{}, fmt.Errorf("%q is not a request id of this log: it is <partition>-<seq>", request)
	}
	if err := t.catchUp(ctx); err != nil {
		return End{}, err
	}
	waiting := t.expectEnd(request)
	if waiting == nil {
		return t.pastEnd(ctx, partition, seq, request)
	}
	for asked := int64(-1); ; {
		var end *End
		var found openRequest
		err := t.log.until(ctx, func() bool {
			select {
			case ended := <-waiting:
				waiting <- ended // others may wait for it too
				end = &ended
				return true
			default:
			}
			if open := t.findLocked(request); open != nil {
				found = *open
			}
			return onApproved != nil && found.state == approved && found.approvedAt > asked
		})
		switch {
		case err != nil:
			return End{}, err
		case end != nil:
			return *end, nil
		}
		asked = found.approvedAt
		if err := onApproved(found); err != nil {
			return End{}, err
		}
	}
}

// expectEnd returns where the end of a request will be; nil if it is not open.
func (t *tracker) expectEnd(request string) chan End {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	if t.findLocked(request) == nil {
		return nil
	}
	waiting, there := t.ends[request]
	if !there {
		waiting = make(chan End, 1)
		t.ends[request] = waiting
	}
	return waiting
}

// pastEnd reads the partition again for the end of a request that is not open.
func (t *tracker) pastEnd(ctx context.Context, partition int, seq int64, request string) (End, error) {
	reader, err := NewLedgerReader(ctx, t.log, partition)
	if err != nil {
		return End{}, err
	}
	defer reader.Close()
	var found *End
	fold := newRequestFold(partition, newSetReleases(), func(end End) {
		if end.Request == request {
			found = &end
		}
	})
	ends, err := t.log.ends(ctx, topicLedger)
	if err != nil {
		return End{}, err
	}
	for found == nil && reader.readTo[partition] < ends[partition] {
		accepted, err := reader.Poll(ctx)
		if err != nil {
			return End{}, err
		}
		for _, each := range accepted {
			fold.take(each)
		}
	}
	if found == nil {
		return End{}, fmt.Errorf("the ledger has no request %s: record %d of partition %d is no submission", request,
			seq, partition)
	}
	return *found, nil
}
