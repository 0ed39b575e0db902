package assent

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const fakePartitions = 2

// fakeLog is a log on a broker in this process, with a decider that knows as much as these tests need: it accepts
// submissions, releases them at once, grants the first claim, renews leases and takes reports. It refuses changes to
// app/locked. Changes to app/manual-… wait for an approval and a completion, and those of sets for release.
type fakeLog struct {
	t        *testing.T
	cluster  *kfake.Cluster
	client   *kgo.Client
	writer   *Key
	identity Identity
	lease    time.Duration

	mu         sync.Mutex
	seq        map[int]int64
	prev       map[int]string
	decided    map[string]int64
	claimed    map[string]string
	claimSeqs  map[string]int64
	claims     int
	outcomes   map[string]string // request -> outcome, message and version
	open       map[string]Submitted
	approvals  map[string]bool
	renewals   map[string]int
	refused    map[string]string // the type of a command -> the code with which it is refused
	refusedAs  map[string]int
	ids        map[string]int64 // of submissions -> the seq of the decision
	era        string           // of the partition of app/payroll, once a loss was accepted
	governance int64            // the seq that records of requests name
	// silent keeps the releases off assent.changes.
	silent bool
}

func newFakeLog(t *testing.T, lease time.Duration) *fakeLog {
	t.Helper()
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(fakePartitions, topicCommands, topicLedger, topicChanges), kfake.SeedTopics(1, topicGovernance),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics(topicCommands),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeLog{
		t: t, cluster: cluster, client: client, writer: testKey(t, "writer-1", "decider"), lease: lease,
		seq: map[int]int64{}, prev: map[int]string{}, decided: map[string]int64{}, claimed: map[string]string{},
		outcomes: map[string]string{}, claimSeqs: map[string]int64{}, open: map[string]Submitted{},
		approvals: map[string]bool{}, renewals: map[string]int{}, refused: map[string]string{},
		refusedAs: map[string]int{}, ids: map[string]int64{},
	}
	f.found()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.decide(ctx) }()
	t.Cleanup(func() { cancel(); <-done; client.Close() })
	return f
}

func testKey(t *testing.T, id, principal string) *Key {
	t.Helper()
	seed := sha256.Sum256([]byte(id))
	key, err := KeyFromSeed(id, principal, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (f *fakeLog) found() {
	value := fmt.Appendf(nil, `{"seq":0,"prev":"%064d","epoch":1,"at":1,"events":[{"type":"assent.log-founded.v1",`+
		`"founding":{"founder":%q,"recovery":%q,"writers":{"writer-1":%q},"partitions":%d}}]}`,
		0, f.writer.Public(), f.writer.Public(), f.writer.Public(), fakePartitions)
	f.identity = sha256.Sum256(value)
	f.put(topicGovernance, 0, value, f.seal("governance", 0, 0, value, firstEra))
	for partition := range fakePartitions {
		f.prev[partition] = f.identity.String()
	}
}

func (f *fakeLog) seal(ledger string, partition int, seq int64, value []byte, era string) []kgo.RecordHeader {
	message := sealMessage(f.identity, ledger, partition, seq, sha256.Sum256(value), era)
	signature := toBase64URL(ed25519.Sign(f.writer.secret, message))
	return []kgo.RecordHeader{
		{Key: headerWriter, Value: []byte(f.writer.ID)}, {Key: headerSeal, Value: []byte(signature)},
	}
}

func (f *fakeLog) put(topic string, partition int, value []byte, headers []kgo.RecordHeader) {
	record := &kgo.Record{Topic: topic, Partition: int32(partition), Value: value, Headers: headers}
	if err := f.client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
		f.t.Error(err)
	}
}

func (f *fakeLog) decide(ctx context.Context) {
	for ctx.Err() == nil {
		f.client.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.decideOne(record)
		})
	}
}

func (f *fakeLog) decideOne(record *kgo.Record) {
	partition, at := int(record.Partition), time.Now().UnixMilli()
	sum := sha256Hex(record.Value)
	var events, refusal string
	var change []byte
	if first, there := f.decided[sum]; there {
		events = fmt.Sprintf(`[{"type":"assent.command-repeated.v1","decided":%d}]`, first)
	} else {
		f.decided[sum] = f.seq[partition]
		events, refusal, change = f.events(record.Value, partition, at)
	}
	decision := `"events":` + events
	if refusal != "" {
		f.refusedAs[refusal]++
		code, decided, _ := strings.Cut(refusal, " ")
		decision = fmt.Sprintf(`"refusal":{"code":%q,"detail":"It is."%s}`, code, decided)
	}
	key, signature := headerOf(record, headerKey), headerOf(record, headerSignature)
	f.append(partition, at, change, fmt.Sprintf(`"input":%d,"received":%d,"command":{"value":%s,"key":%q,"signature":%q},%s`,
		record.Offset, at, record.Value, key, signature, decision))
}

// append writes the next record of a partition, and the change that it releases.
func (f *fakeLog) append(partition int, at int64, change []byte, rest string) {
	value := fmt.Appendf(nil, `{"seq":%d,"prev":%q,"epoch":1,"at":%d,"governance":%d,%s}`,
		f.seq[partition], f.prev[partition], at, f.governance, rest)
	f.put(topicLedger, partition, value, f.seal("ledger", partition, f.seq[partition], value, f.era))
	f.seq[partition], f.prev[partition] = f.seq[partition]+1, sha256Hex(value)
	if change != nil && !f.silent {
		f.put(topicChanges, partition, change, nil)
	}
}

// act appends what the writer does to a request by itself: a release, or another event without fields.
func (f *fakeLog) act(request, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	partition, _, _ := parseRequestID(request)
	at := time.Now().UnixMilli()
	if name != "change-released" {
		f.append(partition, at, nil, fmt.Sprintf(`"events":[{"type":"assent.%s.v1","request":%q}]`, name, request))
		return
	}
	event, change := f.released(request, at)
	delete(f.claimed, request)
	f.append(partition, at, change, `"events":[`+event+`]`)
}

func headerOf(record *kgo.Record, name string) string {
	for _, header := range record.Headers {
		if header.Key == name {
			return string(header.Value)
		}
	}
	return ""
}

func (f *fakeLog) recordAt(partition int, seq int64) (Accepted, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	log, err := Connect(ctx, f.config())
	if err != nil {
		return Accepted{}, err
	}
	defer log.Close()
	return log.recordAt(ctx, partition, seq)
}

func (f *fakeLog) config() Config {
	return Config{Brokers: f.cluster.ListenAddrs(), Identity: f.identity.String()}
}

// refuse has commands of a type refused with a code; an empty one has them carried out again.
func (f *fakeLog) refuse(kind, code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[kind] = code
}

func (f *fakeLog) renewed(request string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.renewals[request]
}

// refusals is how many commands were refused with a code.
func (f *fakeLog) refusals(code string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refusedAs[code]
}

func (f *fakeLog) outcome(request string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.outcomes[request]
}

// connect is a log, and a publisher for alice; both are closed at the end of the test.
func (f *fakeLog) connect(ctx context.Context) (*Log, *Publisher) {
	f.t.Helper()
	log, err := Connect(ctx, f.config())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(log.Close)
	publisher, err := NewPublisher(ctx, log, testKey(f.t, "alice-key", "alice"), "/tests")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(publisher.Close)
	return log, publisher
}

func submission(resource string) Submission {
	return Submission{
		Resource: resource, Operation: "edit", Justification: "<&>\u2028 ✓",
		Payload: json.RawMessage(`{"a": 1e400,  "b":"\u00f6"}`),
	}
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}
