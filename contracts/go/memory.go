package assent

import (
	"context"
	"fmt"
)

// remember holds what the journal knows of the log against the log. It returns ErrLogDiffers where the ledger ends
// before what was read, or has another record there: its request ids would name other requests than before.
//
// After an accepted loss, the end that the loss names for a partition replaces what was known.
func (l *Log) remember(ctx context.Context, kept map[int]keptHead) error {
	ends, err := l.ends(ctx, topicLedger)
	if err != nil {
		return err
	}
	l.mu.Lock()
	losses := l.writers.losses
	l.mu.Unlock()
	for partition, known := range kept {
		nextOffset, sum := known.Head.NextOffset, known.Head.SHA256
		if len(lossesSince(known.Era, losses)) > 0 {
			end, ok := losses[len(losses)-1].end("ledger", partition)
			if !ok {
				continue
			}
			nextOffset, sum = end.nextOffset, end.sha256
		}
		if nextOffset == 0 {
			continue
		}
		if ends[partition] < nextOffset {
			return fmt.Errorf("%s/%d ends at offset %d and was read up to %d: %w",
				topicLedger, partition, ends[partition], nextOffset, ErrLogDiffers)
		}
		found, err := l.hashBefore(ctx, partition, nextOffset)
		if err != nil {
			return err
		}
		if found != sum {
			return fmt.Errorf("%s/%d has another record before offset %d than it had: %w",
				topicLedger, partition, nextOffset, ErrLogDiffers)
		}
	}
	return nil
}

// hashBefore is the SHA-256 of the record that ends before an offset which the ledger has; empty for none.
func (l *Log) hashBefore(ctx context.Context, partition int, offset int64) (string, error) {
	client, err := l.consumer(topicLedger, map[int32]int64{int32(partition): offset - 1})
	if err != nil {
		return "", err
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if err := fetchError(ctx, fetches); err != nil {
			return "", err
		}
		if records := fetches.Records(); len(records) > 0 {
			if first := records[0]; first.Offset == offset-1 && !first.Attrs.IsControl() {
				return sha256Hex(first.Value), nil
			}
			return "", nil
		}
	}
}

// reaches holds the records that count against what the journal knows. A partition that has the records, of which
// fewer count than before, is judged by a governance that was cut.
func (t *tracker) reaches(kept map[int]keptHead) error {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	for partition, known := range kept {
		rule, ok := t.reader.rules[partition]
		if len(lossesSince(known.Era, t.reader.losses)) > 0 || (ok && rule.head.seq >= known.Head.Seq) {
			continue
		}
		return fmt.Errorf("%s/%d was read up to record %d, and no longer counts so far: %w",
			topicLedger, partition, known.Head.Seq, ErrLogDiffers)
	}
	return nil
}

// heads is how far each partition was read and accepted.
func (t *tracker) heads() map[int]keptHead {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	heads := map[int]keptHead{}
	for partition, rule := range t.reader.rules {
		var kept keptHead
		kept.Head.Seq, kept.Head.SHA256 = rule.head.seq, rule.head.sha256
		kept.Head.Governance, kept.Head.NextOffset = rule.head.governance, rule.head.nextOffset
		kept.Era = t.reader.era()
		heads[partition] = kept
	}
	return heads
}
