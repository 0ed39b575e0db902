package assent

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// NotDecidedError means that no decision came in time. The command was sent and waits, or was never sent: send the same bytes
// again, with Resend, to ask again.
type NotDecidedError struct {
	Command Command
	Cause   error
}

// Error states what to do.
func (e *NotDecidedError) Error() string {
	return fmt.Sprintf("no decision on command %s yet: send the same bytes again: %v", e.Command.ID, e.Cause)
}

// Unwrap returns what ended the wait.
func (e *NotDecidedError) Unwrap() error { return e.Cause }

// Publisher sends signed commands and returns their decisions. It serves many goroutines.
type Publisher struct {
	log      *Log
	key      *Key
	source   string
	producer *kgo.Client
	tracker  *tracker
}

// NewPublisher connects. source names the sender, as a URI such as /team/deployments; it is for people.
func NewPublisher(ctx context.Context, log *Log, key *Key, source string) (*Publisher, error) {
	tracked, err := log.track(ctx)
	if err != nil {
		return nil, err
	}
	producer, err := log.newClient(
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// The topics store what is written to them uncompressed.
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordDeliveryTimeout(20*time.Second),
	)
	if err != nil {
		return nil, err
	}
	return &Publisher{log: log, key: key, source: source, producer: producer, tracker: tracked}, nil
}

// Close disconnects. The log stays open.
func (p *Publisher) Close() { p.producer.Close() }

// Submit sends a change and returns the decision, which names the request that it opened. A refusal is returned as
// the error too.
//
// Derive submission.ID from what you submit, such as a build number, to survive a crash: if the same submission was
// sent under it in the last 24 hours, by whatever process, this is that request and not a second one.
func (p *Publisher) Submit(ctx context.Context, submission Submission) (Decision, error) {
	command, err := NewSubmission(p.key.Principal, submission)
	if err != nil {
		return Decision{}, err
	}
	decision, err := p.Send(ctx, command)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != "id-reused" || refusal.decided == nil {
		return decision, err
	}
	// The id was used at another time, so the bytes differ. Was it for the same change?
	accepted, errFirst := p.log.recordAt(ctx, decision.Partition, *refusal.decided)
	if errFirst != nil {
		return Decision{}, &NotDecidedError{command, errFirst}
	}
	if recorded, ok := accepted.RecordedCommand(); !ok || !isSameSubmission(recorded.Value, command.Value) {
		return decision, err
	}
	first := decisionOf(accepted)
	first.Repeated = true
	if first.Refusal != nil {
		return first, first.Refusal
	}
	return first, nil
}

// isSameSubmission reports whether two commands submit the same, made at different times.
func isSameSubmission(first, second []byte) bool {
	one, errOne := ReadSubmission(first)
	other, errOther := ReadSubmission(second)
	one.SHA256, other.SHA256 = "", ""
	return errOne == nil && errOther == nil && reflect.DeepEqual(one, other)
}

// Send signs a command, sends it and waits for its decision: the accepted record whose input is the offset of the
// command. A refusal is returned as the error too. While Kafka is away it sends the same bytes again.
//
// When ctx ends first the error is a *NotDecidedError with the command in it. Keep its bytes, and send them again:
// the decision is then the first one that was made on them, however often they were sent.
func (p *Publisher) Send(ctx context.Context, command Command) (Decision, error) {
	decision, _, err := p.send(ctx, command)
	if err != nil {
		return Decision{}, err
	}
	if seq, repeats := decision.repeats(); repeats {
		if decision, err = p.first(ctx, decision, seq, command); err != nil {
			return Decision{}, &NotDecidedError{command, err}
		}
	}
	if decision.Refusal != nil {
		return decision, decision.Refusal
	}
	return decision, nil
}

// Resend sends the exact bytes of a command that was made before, in this process or an earlier one.
func (p *Publisher) Resend(ctx context.Context, value []byte) (Decision, error) {
	command, err := ReadCommand(value)
	if err != nil {
		return Decision{}, err
	}
	return p.Send(ctx, command)
}

// Follow waits until a request has ended and returns how. It may have ended long ago.
func (p *Publisher) Follow(ctx context.Context, request string) (End, error) {
	return p.tracker.endOf(ctx, request, nil)
}

// WaitApplied is Follow for the requester: once the request is approved, it releases the change to the applier (R12). It
// may have been approved, or have ended, long ago. The error is a *Refusal if it is approved and cannot be completed.
func (p *Publisher) WaitApplied(ctx context.Context, request string) (End, error) {
	return p.tracker.endOf(ctx, request, func(approved openRequest) error {
		command, err := NewCompletion(p.key.Principal, approved.resource, request, approved.submission)
		if err != nil {
			return err
		}
		_, err = p.Send(ctx, command)
		var refusal *Refusal
		if errors.As(err, &refusal) && slices.Contains(notYetComplete, refusal.Code) {
			return nil
		}
		return err
	})
}

// notYetComplete are the refusals of a completion after which the ledger has more to state of the request.
var notYetComplete = []string{"not-approved", "not-pending", "outdated", "already-decided"}

// send returns the answer as it is, and when what it answers was sent.
func (p *Publisher) send(ctx context.Context, command Command) (Decision, time.Time, error) {
	at, waiting, sent, err := p.sendAndRegister(ctx, command)
	if err != nil {
		return Decision{}, sent, &NotDecidedError{command, err}
	}
	decision, err := p.tracker.answer(ctx, at, waiting)
	if err != nil {
		return Decision{}, sent, &NotDecidedError{command, err}
	}
	return decision, sent, nil
}

func (p *Publisher) sendAndRegister(ctx context.Context, command Command) (place, chan Decision, time.Time, error) {
	known := p.tracker.expect()
	defer known()
	var at place
	var sent time.Time
	err := retrying(ctx, func() error {
		sent = time.Now()
		record, err := p.produce(ctx, p.record(command))
		if err != nil {
			return fmt.Errorf("send the command: %w", err)
		}
		at = place{int(record.Partition), record.Offset}
		return nil
	})
	if err != nil {
		return at, nil, sent, err
	}
	return at, p.tracker.register(at), sent, nil
}

// produce waits for the broker's acknowledgement, but not longer than ctx: the client itself may wait for a broker
// that is away, since a record that was sent may have been appended.
func (p *Publisher) produce(ctx context.Context, record *kgo.Record) (*kgo.Record, error) {
	type acknowledgement struct {
		record *kgo.Record
		err    error
	}
	acknowledged := make(chan acknowledgement, 1)
	p.producer.Produce(ctx, record, func(record *kgo.Record, err error) { acknowledged <- acknowledgement{record, err} })
	select {
	case answer := <-acknowledged:
		return answer.record, answer.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *Publisher) record(command Command) *kgo.Record {
	key := []byte(command.Resource)
	text := func(name, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: name, Value: []byte(value)} }
	return &kgo.Record{
		Topic: topicCommands, Key: key, Value: command.Value,
		Partition: int32(PartitionFor(key, p.log.Partitions())),
		Headers: []kgo.RecordHeader{
			text("ce_specversion", "1.0"), text("ce_type", command.Type), text("ce_source", p.source),
			text("ce_id", command.ID), text("ce_time", time.UnixMilli(command.At).UTC().Format("2006-01-02T15:04:05.000Z")),
			text("content-type", "application/json"),
			text(headerKey, p.key.ID), text(headerSignature, p.key.Sign(p.log.identity, command.Value)),
		},
	}
}

// first reads the decision that a repeated command points at.
func (p *Publisher) first(ctx context.Context, answer Decision, seq int64, command Command) (Decision, error) {
	if seq < 0 || seq >= answer.Seq {
		return Decision{}, fmt.Errorf("record %d points at record %d, which is not before it", answer.Seq, seq)
	}
	accepted, err := p.log.recordAt(ctx, answer.Partition, seq)
	if err != nil {
		return Decision{}, err
	}
	if recorded, ok := accepted.RecordedCommand(); ok && sha256Hex(recorded.Value) != sha256Hex(command.Value) {
		return Decision{}, fmt.Errorf("record %d is the decision on another command", seq)
	}
	decision := decisionOf(accepted)
	decision.Repeated = true
	return decision, nil
}
