package assent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// entry is a record of the vectors, or a rule that stands for many.
type entry struct {
	Offset  int64       `json:"offset"`
	Value   *[]byte     `json:"value"`
	Headers [][2]string `json:"headers"`
	Rule    *struct {
		Template string `json:"template"`
		FirstSeq int64  `json:"first_seq"`
		Prev     string `json:"prev"`
		Count    int64  `json:"count"`
		Pad      int    `json:"pad"`
	} `json:"rule"`
}

type logVectors struct {
	Identity   string  `json:"identity"`
	Partition  int     `json:"partition"`
	Governance []entry `json:"governance"`
	Ledger     []entry `json:"ledger"`
}

func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}

func offerAll(t *testing.T, rule *acceptance, entries []entry, take func(Accepted)) {
	t.Helper()
	for _, each := range entries {
		if each.Rule == nil {
			var value []byte
			if each.Value != nil {
				value = append([]byte{}, *each.Value...)
			}
			for _, accepted := range rule.offer(each.Offset, value, headersOf(t, each)) {
				take(accepted)
			}
			continue
		}
		prev := each.Rule.Prev
		for number := int64(0); number < each.Rule.Count; number++ {
			value := []byte(strings.NewReplacer(
				"{seq}", strconv.FormatInt(each.Rule.FirstSeq+number, 10), "{prev}", prev,
				"{pad}", strings.Repeat("x", each.Rule.Pad),
			).Replace(each.Rule.Template))
			prev = sha256Hex(value)
			for _, accepted := range rule.offer(each.Offset+number, value, nil) {
				take(accepted)
			}
		}
	}
}

func headersOf(t *testing.T, each entry) []kgo.RecordHeader {
	t.Helper()
	var headers []kgo.RecordHeader
	for _, header := range each.Headers {
		value, err := base64.StdEncoding.DecodeString(header[1])
		if err != nil {
			t.Fatal(err)
		}
		headers = append(headers, kgo.RecordHeader{Key: header[0], Value: append([]byte{}, value...)})
	}
	return headers
}

// readLog reads governance and then the ledger of vectors; the offsets that count in both.
func readLog(t *testing.T, log logVectors, take func(Accepted)) (*acceptance, []int64, []int64) {
	t.Helper()
	identity, err := ParseIdentity(log.Identity)
	if err != nil {
		t.Fatal(err)
	}
	var ofGovernance, ofLedger []int64
	listed := newWriters()
	offerAll(t, newAcceptance("governance", 0, identity, listed), log.Governance, func(accepted Accepted) {
		if err := listed.apply(accepted.LedgerRecord); err != nil {
			t.Fatal(err)
		}
		ofGovernance = append(ofGovernance, accepted.Offset)
	})
	reader := newAcceptance("ledger", log.Partition, identity, listed)
	offerAll(t, reader, log.Ledger, func(accepted Accepted) {
		ofLedger = append(ofLedger, accepted.Offset)
		if take != nil {
			take(accepted)
		}
	})
	return reader, ofGovernance, ofLedger
}

func offsetsOf(ranges [][2]int64) []int64 {
	var offsets []int64
	for _, each := range ranges {
		for offset := each[0]; offset <= each[1]; offset++ {
			offsets = append(offsets, offset)
		}
	}
	return offsets
}

func TestPartitionVectors(t *testing.T) {
	var vectors struct {
		Keys []struct {
			Key         []byte         `json:"key"`
			Murmur2     uint32         `json:"murmur2"`
			PartitionOf map[string]int `json:"partition_of"`
		} `json:"keys"`
	}
	readVectors(t, "partitions.json", &vectors)
	for _, each := range vectors.Keys {
		if got := Murmur2(each.Key); got != each.Murmur2 {
			t.Errorf("murmur2(%q) = %d, not %d", each.Key, got, each.Murmur2)
		}
		for count, partition := range each.PartitionOf {
			number, _ := strconv.Atoi(count)
			if got := PartitionFor(each.Key, number); got != partition {
				t.Errorf("%q of %s partitions: %d, not %d", each.Key, count, got, partition)
			}
		}
	}
}

type signedVector struct {
	Identity  string `json:"identity"`
	Value     []byte `json:"value"`
	Ledger    string `json:"ledger"`
	Partition int    `json:"partition"`
	Seq       int64  `json:"seq"`
	Era       string `json:"era"`
	Message   string `json:"message"`
	Secret    string `json:"secret"`
	PublicKey string `json:"public_key"`
	Signature string `json:"signature"`
}

func TestSignatureVectors(t *testing.T) {
	var vectors struct {
		Commands  []signedVector `json:"commands"`
		Seals     []signedVector `json:"seals"`
		Heads     []signedVector `json:"heads"`
		Base64URL []struct {
			Text  string  `json:"text"`
			Bytes *[]byte `json:"bytes"`
		} `json:"base64url"`
	}
	readVectors(t, "signatures.json", &vectors)
	for _, each := range vectors.Commands {
		identity, key := identityAndKey(t, each)
		checkSigned(t, each, commandMessage(identity, each.Value))
		if key.Sign(identity, each.Value) != each.Signature || key.Public() != each.PublicKey {
			t.Errorf("the signature of %q is another one", each.Value)
		}
	}
	for _, each := range vectors.Seals {
		identity, _ := identityAndKey(t, each)
		sum, _ := hex.DecodeString(sha256Hex(each.Value))
		checkSigned(t, each, sealMessage(identity, each.Ledger, each.Partition, each.Seq, [32]byte(sum), each.Era))
	}
	for _, each := range vectors.Heads {
		identity, _ := identityAndKey(t, each)
		checkSigned(t, each, headMessage(identity, each.Value))
	}
	for _, each := range vectors.Base64URL {
		data, err := fromBase64URL(each.Text)
		if (err == nil) != (each.Bytes != nil) || (err == nil && !bytes.Equal(data, *each.Bytes)) {
			t.Errorf("base64url %q: %v, %v", each.Text, data, err)
		}
	}
}

func identityAndKey(t *testing.T, each signedVector) (Identity, *Key) {
	t.Helper()
	identity, err := ParseIdentity(each.Identity)
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := hex.DecodeString(each.Secret)
	key, err := KeyFromSeed("key", "principal", seed)
	if err != nil {
		t.Fatal(err)
	}
	return identity, key
}

func checkSigned(t *testing.T, each signedVector, message []byte) {
	t.Helper()
	_, key := identityAndKey(t, each)
	if hex.EncodeToString(message) != each.Message {
		t.Errorf("what is signed for %q is %x, not %s", each.Value, message, each.Message)
	}
	if toBase64URL(ed25519.Sign(key.secret, message)) != each.Signature {
		t.Errorf("the signature over %s is another one", each.Message)
	}
	public, _ := fromBase64URL(each.PublicKey)
	signature, _ := fromBase64URL(each.Signature)
	if !verify(public, message, signature) || verify(public, append(message, 0), signature) {
		t.Errorf("the signature over %s is not verified", each.Message)
	}
}

func TestAcceptanceVectors(t *testing.T) {
	var vectors struct {
		logVectors
		Ledgers []struct {
			logVectors
			Name               string     `json:"name"`
			Shared             *bool      `json:"shared"`
			AcceptedGovernance [][2]int64 `json:"accepted_governance"`
			Accepted           [][2]int64 `json:"accepted"`
			Head               struct {
				Seq        int64  `json:"seq"`
				SHA256     string `json:"sha256"`
				NextOffset int64  `json:"next_offset"`
			} `json:"head"`
		} `json:"ledgers"`
	}
	readVectors(t, "acceptance.json", &vectors)
	for _, each := range vectors.Ledgers {
		t.Run(each.Name, func(t *testing.T) {
			log := logVectors{vectors.Identity, vectors.Partition, each.Governance, each.Ledger}
			if each.Shared == nil || *each.Shared {
				log.Governance = append(slices.Clone(vectors.Governance), each.Governance...)
			}
			reader, ofGovernance, ofLedger := readLog(t, log, nil)
			if !slices.Equal(ofGovernance, offsetsOf(each.AcceptedGovernance)) {
				t.Errorf("of governance %v count, not %v", ofGovernance, each.AcceptedGovernance)
			}
			if !slices.Equal(ofLedger, offsetsOf(each.Accepted)) {
				t.Errorf("%v count, not %v", ofLedger, each.Accepted)
			}
			at := reader.head
			if at.seq != each.Head.Seq || at.sha256 != each.Head.SHA256 || at.nextOffset != each.Head.NextOffset {
				t.Errorf("the head is %+v, not %+v", at, each.Head)
			}
		})
	}
}
