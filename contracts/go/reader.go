package assent

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// LedgerReader reads partitions of the ledger of requests from their beginnings and returns the records that count.
type LedgerReader struct {
	log    *Log
	client *kgo.Client
	rules  map[int]*acceptance
	readTo map[int]int64
	losses []loss // that were accepted when reading began
}

// NewLedgerReader begins to read these partitions; all if none are named. Close it at the end.
func NewLedgerReader(ctx context.Context, log *Log, partitions ...int) (*LedgerReader, error) {
	if len(partitions) == 0 {
		for partition := range log.Partitions() {
			partitions = append(partitions, partition)
		}
	}
	if err := log.beginsAtItsBeginning(ctx, topicLedger); err != nil {
		return nil, err
	}
	log.mu.Lock()
	r := &LedgerReader{log: log, rules: map[int]*acceptance{}, readTo: map[int]int64{}, losses: log.writers.losses}
	log.mu.Unlock()
	from := map[int32]int64{}
	for _, partition := range partitions {
		if partition < 0 || partition >= log.Partitions() {
			return nil, fmt.Errorf("the log has partitions 0 to %d, not %d", log.Partitions()-1, partition)
		}
		r.rules[partition] = newAcceptance("ledger", partition, log.identity, log.writers)
		r.readTo[partition] = 0
		from[int32(partition)] = 0
	}
	var err error
	r.client, err = log.consumer(topicLedger, from)
	return r, err
}

// Close disconnects.
func (r *LedgerReader) Close() { r.client.Close() }

// Poll waits for records and returns those that came to count, in the order of each partition. There may be none. After
// a loss was accepted it returns ErrLossAccepted.
func (r *LedgerReader) Poll(ctx context.Context) ([]Accepted, error) {
	fetches := r.client.PollFetches(ctx)
	if err := fetchError(ctx, fetches); err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	records := fetches.Records()
	// Kafka may be away just now: the records are here, and must not be lost for that.
	if err := retrying(ctx, func() error { return r.log.know(ctx, records) }); err != nil {
		return nil, err
	}
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if len(r.log.writers.losses) != len(r.losses) {
		return nil, ErrLossAccepted
	}
	var accepted []Accepted
	for _, record := range records {
		partition := int(record.Partition)
		if !record.Attrs.IsControl() {
			accepted = append(accepted, r.rules[partition].offer(record.Offset, record.Value, record.Headers)...)
		}
		r.readTo[partition] = record.Offset + 1
	}
	return accepted, nil
}

// era is that in which this reader began: heads are remembered with it.
func (r *LedgerReader) era() string {
	if len(r.losses) == 0 {
		return firstEra
	}
	return r.losses[len(r.losses)-1].era
}

// recordAt reads the accepted record seq of a partition, through the acceptance rule from its beginning.
func (l *Log) recordAt(ctx context.Context, partition int, seq int64) (Accepted, error) {
	reader, err := NewLedgerReader(ctx, l, partition)
	if err != nil {
		return Accepted{}, err
	}
	defer reader.Close()
	for {
		records, err := reader.Poll(ctx)
		if err != nil {
			return Accepted{}, err
		}
		for _, each := range records {
			if each.Seq == seq {
				return each, nil
			}
		}
	}
}
