package assent

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const fakePartitions = 2

// fakeLog is a log on a broker in this process, with a decider that knows as much as these tests need: it accepts
// submissions, releases them at once, grants the first claim, and takes reports. It refuses changes to app/locked.
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
	outcomes   map[string]string // request -> outcome and message
	era        string            // of the partition of app/payroll, once a loss was accepted
	governance int64             // the seq that records of requests name
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
		outcomes: map[string]string{}, claimSeqs: map[string]int64{},
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
		decision = fmt.Sprintf(`"refusal":{"code":%q,"detail":"It is."}`, refusal)
	}
	key, signature := headerOf(record, headerKey), headerOf(record, headerSignature)
	value := fmt.Appendf(nil, `{"seq":%d,"prev":%q,"epoch":1,"input":%d,"received":%d,"at":%d,"governance":%d,`+
		`"command":{"value":%s,"key":%q,"signature":%q},%s}`,
		f.seq[partition], f.prev[partition], record.Offset, at, at, f.governance, record.Value, key, signature, decision)
	f.put(topicLedger, partition, value, f.seal("ledger", partition, f.seq[partition], value, f.era))
	f.seq[partition], f.prev[partition] = f.seq[partition]+1, sha256Hex(value)
	if change != nil && !f.silent {
		f.put(topicChanges, partition, change, nil)
	}
}

func headerOf(record *kgo.Record, name string) string {
	for _, header := range record.Headers {
		if header.Key == name {
			return string(header.Value)
		}
	}
	return ""
}

// events is what a command makes true, or the code of its refusal; and the change that it releases.
func (f *fakeLog) events(value []byte, partition int, at int64) (string, string, []byte) {
	command, _ := readObject(value)
	kind, _ := command.text("type")
	request, _ := command.text("request")
	if kind == typeSubmit {
		submitted, err := ReadSubmission(value)
		if err != nil || submitted.Resource == "app/locked" {
			return "", "resource-locked", nil
		}
		seq := f.seq[partition]
		request = fmt.Sprintf("%d-%d", partition, seq)
		common := fmt.Sprintf(`"request":%q,"resource":%q,"operation":%q,"requester":%q`,
			request, submitted.Resource, submitted.Operation, submitted.Principal)
		events := fmt.Sprintf(`[{"type":"assent.change-submitted.v1",%s,"person":"p","submission":%q,"digest":%q,"terms":[],`+
			`"deadline":%d},{"type":"assent.change-released.v1","request":%q,"resource":%q,"digest":%q,"deadline":%d}]`,
			common, submitted.SHA256, submitted.Digest, at+100_000, request, submitted.Resource, submitted.Digest, at+100_000)
		change := fmt.Appendf(nil, `{"type":"assent.change.v1",%s,"justification":%s,"digest":%q,"submission":%q,`+
			`"released":%d,"at":%d,"payload":%s}`,
			common, encodeText(submitted.Justification), submitted.Digest, submitted.SHA256, seq, at, submitted.Payload)
		return events, "", change
	}
	principal, _ := command.text("principal")
	if kind == typeClaim {
		return f.claim(request, principal, f.seq[partition], at)
	}
	if claim, ok := command.integer("claim"); !ok || claim != f.claimSeqs[request] {
		return "", "claim-superseded", nil
	}
	outcome, _ := command.text("outcome")
	message, _ := command.text("message")
	f.outcomes[request] = outcome + ": " + message
	switch outcome {
	case "succeeded":
		return fmt.Sprintf(`[{"type":"assent.request-completed.v1","request":%q,"reporter":%q}]`, request, principal), "", nil
	case "failed":
		return fmt.Sprintf(`[{"type":"assent.request-failed.v1","request":%q,"reporter":%q}]`, request, principal), "", nil
	}
	return fmt.Sprintf(`[{"type":"assent.outcome-unknown.v1","request":%q,"cause":"reported"}]`, request), "", nil
}

func (f *fakeLog) claim(request, principal string, seq, at int64) (string, string, []byte) {
	if _, there := f.claimed[request]; there {
		return "", "already-decided", nil
	}
	f.claimed[request] = principal
	f.claimSeqs[request] = seq
	f.claims++
	var digest string
	f.eachOpen(request, func(found *openRequest) { digest = found.digest })
	return fmt.Sprintf(`[{"type":"assent.change-claimed.v1","request":%q,"applier":%q,"digest":%q,"deadline":%d}]`,
		request, principal, digest, at+f.lease.Milliseconds()), "", nil
}

// lose accepts a loss: of the partition of app/payroll the records after its first one are given up.
func (f *fakeLog) lose() {
	partition := PartitionFor([]byte("app/payroll"), fakePartitions)
	kept, err := f.recordAt(partition, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	value := fmt.Appendf(nil, `{"seq":1,"prev":%q,"epoch":1,"at":1,"events":[{"type":"assent.loss-accepted.v1","loss":{`+
		`"era":"loss-1","ends":[{"ledger":"governance","partition":0,"seq":0,"sha256":%q,"next_offset":1,"topic_end":1,`+
		`"next_input":0},{"ledger":"ledger","partition":%d,"seq":0,"sha256":%q,"next_offset":1,"topic_end":3,"next_input":1}]}}]}`,
		f.identity.String(), f.identity.String(), partition, kept.SHA256)
	headers := f.seal("governance", 0, 1, value, firstEra)
	headers[0].Value = []byte(recoveryID)
	f.put(topicGovernance, 0, value, headers)
	f.era, f.governance, f.seq[partition], f.prev[partition] = "loss-1", 1, 1, kept.SHA256
	clear(f.claimed)
}

// eachOpen looks a request up in the ledger as it is.
func (f *fakeLog) eachOpen(request string, take func(*openRequest)) {
	partition, seq, _ := parseRequestID(request)
	record, err := f.recordAt(partition, seq)
	if err != nil {
		f.t.Error(err)
		return
	}
	fold := newRequestFold(partition, nil)
	fold.take(record)
	take(fold.find(request))
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
