package assent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	topicCommands   = "assent.commands"
	topicLedger     = "assent.ledger"
	topicGovernance = "assent.governance"
	topicChanges    = "assent.changes"
)

// ErrNotFounded means that the governance ledger does not begin with the record that the identity names.
var ErrNotFounded = errors.New("the governance ledger does not begin with the record that the identity names:" +
	" compare the identity and the brokers with what `assent env` prints")

// ErrLogDiffers means that the log is less than what was known of it, or another one: it was cut, put back or
// recreated. Nothing is applied or reported until the right log is there.
var ErrLogDiffers = errors.New("the log is not the one that was read before: have its newest copy put back")

// ErrLossAccepted means that the recovery key has accepted a loss: part of what was read no longer counts. Start
// again, with a new Log.
var ErrLossAccepted = errors.New("a loss was accepted, so part of what was read no longer counts: start again")

// Config is how to reach a log.
type Config struct {
	Brokers  []string // host:port
	Identity string   // 64 hex digits, as `assent env` prints them
	// Options go to every Kafka client that is made: TLS, SASL, a logger.
	Options []kgo.Opt
}

// ConfigFromEnv takes brokers and identity from ASSENT_KAFKA and ASSENT_IDENTITY, which `assent env` sets.
func ConfigFromEnv() (Config, error) {
	brokers, identity := os.Getenv("ASSENT_KAFKA"), os.Getenv("ASSENT_IDENTITY")
	if brokers == "" || identity == "" {
		return Config{}, errors.New(`ASSENT_KAFKA or ASSENT_IDENTITY is not set: eval "$(assent env)" sets both`)
	}
	return Config{Brokers: strings.Split(brokers, ","), Identity: identity}, nil
}

// Log is a log whose governance is followed: which keys may seal it. Close it at the end.
type Log struct {
	identity Identity
	config   Config
	client   *kgo.Client // reads governance
	admin    *kadm.Client
	cancel   context.CancelFunc
	done     sync.WaitGroup

	mu      sync.Mutex
	moved   chan struct{} // closed and replaced whenever something below has changed
	writers *writers
	readTo  int64
	err     error

	trackOnce sync.Once
	tracked   *tracker
	trackErr  error
}

// Connect reads governance to its end and follows it in the background.
func Connect(ctx context.Context, config Config) (*Log, error) {
	identity, err := ParseIdentity(config.Identity)
	if err != nil {
		return nil, err
	}
	l := &Log{identity: identity, config: config, moved: make(chan struct{}), writers: newWriters()}
	if l.client, err = l.consumer(topicGovernance, map[int32]int64{0: 0}); err != nil {
		return nil, err
	}
	l.admin = kadm.NewClient(l.client)
	running, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.done.Add(1)
	go l.follow(running)
	if err := l.start(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Log) start(ctx context.Context) error {
	if err := l.beginsAtItsBeginning(ctx, topicGovernance); err != nil {
		return err
	}
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	if l.Partitions() < 1 {
		return ErrNotFounded
	}
	return nil
}

// Close disconnects. Publishers and appliers of this log end with it.
func (l *Log) Close() {
	l.cancel()
	l.done.Wait()
	l.client.Close()
}

// Identity is the log's identity.
func (l *Log) Identity() Identity { return l.identity }

// Partitions is how many partitions of requests the log was founded with.
func (l *Log) Partitions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writers.partitions
}

// consumer is a client that reads partitions of a topic from these offsets, control records included: their
// offsets are read past.
func (l *Log) consumer(topic string, from map[int32]int64, more ...kgo.Opt) (*kgo.Client, error) {
	offsets := map[int32]kgo.Offset{}
	for partition, offset := range from {
		offsets[partition] = kgo.NewOffset().At(offset)
	}
	return l.newClient(append([]kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		// A ledger is kept from its first offset on: an offset that is not there is an error, not a reason to jump.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(500 * time.Millisecond),
	}, more...)...)
}

func (l *Log) newClient(more ...kgo.Opt) (*kgo.Client, error) {
	options := append([]kgo.Opt{kgo.SeedBrokers(l.config.Brokers...)}, l.config.Options...)
	client, err := kgo.NewClient(append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("set up a Kafka client for %v: %w", l.config.Brokers, err)
	}
	return client, nil
}

func (l *Log) follow(ctx context.Context) {
	defer l.done.Done()
	rule := newAcceptance("governance", 0, l.identity, l.writers)
	for ctx.Err() == nil {
		fetches := l.client.PollFetches(ctx)
		if err := fetchError(ctx, fetches); err != nil {
			l.fail(err)
			return
		}
		l.mu.Lock()
		var err error
		fetches.EachRecord(func(record *kgo.Record) {
			if !record.Attrs.IsControl() {
				for _, accepted := range rule.offer(record.Offset, record.Value, record.Headers) {
					err = errors.Join(err, l.writers.apply(accepted.LedgerRecord))
				}
			}
			l.readTo = record.Offset + 1
		})
		l.wakeUp()
		l.mu.Unlock()
		if err != nil {
			l.fail(err)
			return
		}
	}
}

// wakeUp lets everybody look again who waits for something to change. l.mu is held.
func (l *Log) wakeUp() {
	close(l.moved)
	l.moved = make(chan struct{})
}

func (l *Log) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	l.wakeUp()
}

// until waits until it holds, which is asked with l.mu held, or reading the log has failed.
func (l *Log) until(ctx context.Context, holds func() bool) error {
	for {
		l.mu.Lock()
		held, failed, moved := holds(), l.err, l.moved
		l.mu.Unlock()
		if held {
			return nil
		}
		if failed != nil {
			return failed
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// catchUp returns when all of governance that is there now has been read.
func (l *Log) catchUp(ctx context.Context) error {
	ends, err := l.ends(ctx, topicGovernance)
	if err != nil {
		return err
	}
	return l.until(ctx, func() bool { return l.readTo >= ends[0] })
}

// know returns when governance is known as far as sealed records name it, or as far as it goes.
func (l *Log) know(ctx context.Context, records []*kgo.Record) error {
	l.mu.Lock()
	known := l.writers.head
	l.mu.Unlock()
	for _, record := range records {
		if len(record.Headers) == 0 || len(record.Value) > recordMaxBytes {
			continue
		}
		if named, ok := readRecord(record.Value); ok && named.Governance > known {
			// The records have been read already, so one look at the end of governance is enough for all.
			return l.catchUp(ctx)
		}
	}
	return nil
}

func (l *Log) ends(ctx context.Context, topic string) (map[int]int64, error) {
	listed, err := l.admin.ListEndOffsets(ctx, topic)
	return offsetsOfTopic(topic, listed, err)
}

func (l *Log) beginnings(ctx context.Context, topic string) (map[int]int64, error) {
	listed, err := l.admin.ListStartOffsets(ctx, topic)
	return offsetsOfTopic(topic, listed, err)
}

func offsetsOfTopic(topic string, listed kadm.ListedOffsets, err error) (map[int]int64, error) {
	if err = errors.Join(err, listed.Error()); err != nil {
		return nil, fmt.Errorf("ask where %s begins and ends: %w", topic, err)
	}
	offsets := map[int]int64{}
	listed.Each(func(each kadm.ListedOffset) { offsets[int(each.Partition)] = each.Offset })
	if len(offsets) == 0 {
		return nil, fmt.Errorf("there is no topic %s here: compare the brokers with what `assent env` prints", topic)
	}
	return offsets, nil
}

func (l *Log) beginsAtItsBeginning(ctx context.Context, topic string) error {
	beginnings, err := l.beginnings(ctx, topic)
	if err != nil {
		return err
	}
	for partition, offset := range beginnings {
		if offset > 0 {
			return fmt.Errorf("%s/%d begins at offset %d, not at 0: %w", topic, partition, offset, ErrLogDiffers)
		}
	}
	return nil
}

// fetchError is why reading cannot go on; nil if it can.
func fetchError(ctx context.Context, fetches kgo.Fetches) error {
	for _, each := range fetches.Errors() {
		switch {
		case ctx.Err() != nil || errors.Is(each.Err, context.Canceled) || fetches.IsClientClosed():
			return context.Canceled
		case errors.Is(each.Err, kerr.OffsetOutOfRange):
			return fmt.Errorf("%s/%d was cut: %w", each.Topic, each.Partition, ErrLogDiffers)
		case kerr.IsRetriable(each.Err):
			continue // Kafka is away, or a partition moves: the client tries again
		default:
			return fmt.Errorf("read %s/%d: %w", each.Topic, each.Partition, each.Err)
		}
	}
	return nil
}
