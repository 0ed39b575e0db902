package assent

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The limits of the unsealed records that a reader holds while it waits for their seal.
const (
	runMaxRecords = 10_000
	runMaxBytes   = 16 << 20
)

// head is where an accepted chain is.
type head struct {
	seq        int64
	sha256     string
	governance int64
	nextOffset int64
}

// Accepted is one record that counts, with where it is and what it hashes to.
type Accepted struct {
	LedgerRecord
	Partition int
	Offset    int64
	Value     []byte
	SHA256    string // of Value, hex
}

// acceptance is one reader's view of one ledger partition: the acceptance rule of the contracts' README.
type acceptance struct {
	ledger    string // "ledger" or "governance"
	partition int
	identity  Identity
	writers   *writers
	head      head
	run       []Accepted
	runBytes  int
}

func newAcceptance(ledger string, partition int, identity Identity, writers *writers) *acceptance {
	first := head{seq: -1, sha256: identity.String(), governance: -1}
	if ledger == "governance" {
		first.sha256 = strings.Repeat("0", 2*sha256.Size)
	}
	return &acceptance{ledger: ledger, partition: partition, identity: identity, writers: writers, head: first}
}

// offer takes the next record of the partition and returns the run that it made accepted, most often none.
// Governance has been read at least as far as it was when the record was read.
func (a *acceptance) offer(offset int64, value []byte, headers []kgo.RecordHeader) []Accepted {
	if value == nil || len(value) > recordMaxBytes {
		a.endRun()
		return nil
	}
	record, ok := readRecord(value)
	if !ok {
		a.endRun()
		return nil
	}
	sum := sha256.Sum256(value)
	candidate := Accepted{
		LedgerRecord: record, Partition: a.partition, Offset: offset, Value: value,
		SHA256: hex.EncodeToString(sum[:]),
	}
	switch {
	case a.followsRun(candidate):
		a.run = append(a.run, candidate)
		a.runBytes += len(value)
	case a.followsHead(candidate):
		a.run = []Accepted{candidate}
		a.runBytes = len(value)
	default:
		a.endRun()
		return nil
	}
	if a.isSealed(candidate, sum, headers) {
		return a.acceptRun(candidate)
	}
	if len(a.run) > runMaxRecords || a.runBytes > runMaxBytes {
		a.endRun()
	}
	return nil
}

func (a *acceptance) followsRun(candidate Accepted) bool {
	if len(a.run) == 0 {
		return false
	}
	last := a.run[len(a.run)-1]
	return candidate.Offset == last.Offset+1 && candidate.Prev == last.SHA256 &&
		candidate.Seq == last.Seq+1 && candidate.Governance >= last.Governance
}

func (a *acceptance) followsHead(candidate Accepted) bool {
	return candidate.Prev == a.head.sha256 && candidate.Seq == a.head.seq+1 &&
		candidate.Governance >= a.head.governance &&
		(candidate.Seq > 0 || a.ledger != "governance" || candidate.SHA256 == a.identity.String())
}

func (a *acceptance) isSealed(candidate Accepted, sum [32]byte, headers []kgo.RecordHeader) bool {
	// The last header of a name counts.
	var writer, seal []byte
	for _, header := range headers {
		switch header.Key {
		case headerWriter:
			writer = header.Value
		case headerSeal:
			seal = header.Value
		}
	}
	if writer == nil || seal == nil || !utf8.Valid(writer) {
		return false
	}
	signature, err := fromBase64URL(string(seal))
	if err != nil || len(signature) != 64 {
		return false
	}
	key := a.writerKey(string(writer), candidate)
	if key == nil {
		return false
	}
	era := firstEra
	if a.ledger != "governance" {
		if lost := lossBefore(a.partition, candidate.Seq, a.writers.losses); lost != nil {
			era = lost.era
		}
	}
	return verify(key, sealMessage(a.identity, a.ledger, a.partition, candidate.Seq, sum, era), signature)
}

func (a *acceptance) writerKey(id string, candidate Accepted) []byte {
	first := a.run[0]
	if a.ledger != "governance" {
		// Else a key that was retired before the loss would count again.
		lost := lossBefore(a.partition, first.Seq, a.writers.losses)
		if lost != nil && !lost.isKnownAt(first.Governance) {
			return nil
		}
		return a.writers.publicKey(id, candidate.Governance)
	}
	if a.head.seq >= 0 {
		return a.writers.governanceSealer(id, a.head.seq, a.run)
	}
	// The run begins with record 0, whose hash is the identity: it names its own writers.
	founding := newWriters()
	if founding.apply(first.LedgerRecord) != nil {
		return nil
	}
	return founding.governanceSealer(id, 0, a.run)
}

func (a *acceptance) acceptRun(last Accepted) []Accepted {
	run := a.run
	a.endRun()
	a.head = head{last.Seq, last.SHA256, last.Governance, last.Offset + 1}
	return run
}

func (a *acceptance) endRun() {
	a.run, a.runBytes = nil, 0
}
