package assent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
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

func TestPayloadVectors(t *testing.T) {
	var vectors struct {
		Commands []struct {
			Name  string `json:"name"`
			Value []byte `json:"value"`
			Rule  *struct {
				Before []byte `json:"before"`
				X      int    `json:"x"`
				After  []byte `json:"after"`
			} `json:"rule"`
			Refused    string  `json:"refused"`
			Payload    *[]byte `json:"payload"`
			Digest     string  `json:"digest"`
			Submission string  `json:"submission"`
			Details    details `json:"details"`
		} `json:"commands"`
	}
	readVectors(t, "payloads.json", &vectors)
	for _, each := range vectors.Commands {
		t.Run(each.Name, func(t *testing.T) {
			value := each.Value
			if each.Rule != nil {
				value = concat(each.Rule.Before, bytes.Repeat([]byte("x"), each.Rule.X), each.Rule.After)
			}
			found, err := ReadSubmission(value)
			var refusal *Refusal
			if errors.As(err, &refusal) {
				if refusal.Code != each.Refused {
					t.Errorf("refused as %v, not as %q", refusal, each.Refused)
				}
				return
			}
			if each.Refused != "" || found.Digest != each.Digest || found.SHA256 != each.Submission {
				t.Errorf("read as %+v, expected %+v", found, each)
			}
			if !reflect.DeepEqual(found.Details, each.Details.details()) {
				t.Errorf("the details are %+v, not %+v", found.Details, each.Details)
			}
			if each.Payload != nil && !bytes.Equal(found.Payload, *each.Payload) {
				t.Errorf("the payload is %q, not %q", found.Payload, *each.Payload)
			}
		})
	}
}

// details is the optional fields of a submission, as the vectors have them.
type details struct {
	Impact   string `json:"impact"`
	Fallback string `json:"fallback"`
	Tested   []struct {
		What   string `json:"what"`
		URI    string `json:"uri"`
		SHA256 string `json:"sha256"`
	} `json:"tested"`
	Expected  string   `json:"expected"`
	Emergency *bool    `json:"emergency"`
	Tickets   []string `json:"tickets"`
	Base      string   `json:"base"`
	NotBefore int64    `json:"not_before"`
	NotAfter  int64    `json:"not_after"`
	Members   int      `json:"members"`
	PartOf    string   `json:"part_of"`
}

func (d details) details() Details {
	found := Details{
		Impact: d.Impact, Fallback: d.Fallback, Expected: d.Expected, Emergency: d.Emergency, Tickets: d.Tickets,
		Base: d.Base, NotBefore: d.NotBefore, NotAfter: d.NotAfter, Members: d.Members, PartOf: d.PartOf,
	}
	for _, each := range d.Tested {
		found.Tested = append(found.Tested, HashedReference{each.What, each.URI, each.SHA256})
	}
	return found
}

// statedCommand is the fields of a command that this library makes.
type statedCommand struct {
	details
	Type          string          `json:"type"`
	Principal     string          `json:"principal"`
	Resource      string          `json:"resource"`
	Operation     string          `json:"operation"`
	Justification string          `json:"justification"`
	Payload       json.RawMessage `json:"payload"`
	OnBehalfOf    string          `json:"on_behalf_of"`
	Request       string          `json:"request"`
	Submission    string          `json:"submission"`
	Note          string          `json:"note"`
	Reason        string          `json:"reason"`
	Outcome       string          `json:"outcome"`
	Message       string          `json:"message"`
	Claim         int64           `json:"claim"`
	Version       string          `json:"version"`
}

// again makes the same command with this library, with an id and a time of its own.
func (s statedCommand) again() (Command, error) {
	change := Change{Request: s.Request, Resource: s.Resource, Claim: s.Claim}
	switch s.Type {
	case typeSubmit:
		return NewSubmission(s.Principal, Submission{
			Resource: s.Resource, Operation: s.Operation, Justification: s.Justification, Payload: s.Payload,
			OnBehalfOf: s.OnBehalfOf, Details: s.details.details(),
		})
	case typeApprove:
		return NewApproval(s.Principal, s.Resource, s.Request, s.Submission, s.Note)
	case typeReject:
		return NewRejection(s.Principal, s.Resource, s.Request, s.Submission, s.Note)
	case typeRevoke:
		return NewRevocation(s.Principal, s.Resource, s.Request, s.Note)
	case typeDone:
		return NewCompletion(s.Principal, s.Resource, s.Request, s.Submission)
	case typeCancel:
		return NewCancellation(s.Principal, s.Resource, s.Request)
	case typeClose:
		return NewClosing(s.Principal, s.Resource, s.Request, s.Reason)
	case typeSettle:
		return NewSettlement(s.Principal, s.Resource, s.Request, s.Outcome, s.Reason, s.Claim)
	case typeClaim:
		return newClaim(s.Principal, change)
	case typeRenew:
		return newRenewal(s.Principal, change)
	case typeReport:
		return newReport(s.Principal, change, outcome{
			result: Result(s.Outcome), message: s.Message, version: s.Version, claim: s.Claim,
		})
	}
	return Command{}, errors.New("this library does not make it")
}

func TestCommandVectors(t *testing.T) {
	var vectors struct {
		Commands []struct {
			Name  string `json:"name"`
			Value []byte `json:"value"`
		} `json:"commands"`
		Applied []struct {
			Name    string `json:"name"`
			Message string `json:"message"`
			Version string `json:"version"`
			Value   []byte `json:"value"`
		} `json:"applied"`
	}
	readVectors(t, "commands.json", &vectors)
	for _, each := range vectors.Commands {
		checkCommand(t, each.Name, each.Value, statedCommand.again)
	}
	for _, each := range vectors.Applied {
		checkCommand(t, each.Name, each.Value, func(stated statedCommand) (Command, error) {
			made := succeeded(Applied{Message: each.Message, Version: each.Version})
			made.claim = stated.Claim
			return newReport(stated.Principal, Change{Request: stated.Request, Resource: stated.Resource}, made)
		})
	}
}

// checkCommand compares the members of what is made again, but for its id and its time. Their order, and how a text is
// escaped, are free; the bytes of the payload are not.
func checkCommand(t *testing.T, name string, value []byte, again func(statedCommand) (Command, error)) {
	t.Helper()
	var stated statedCommand
	if err := json.Unmarshal(value, &stated); err != nil {
		t.Fatal(err)
	}
	made, err := again(stated)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if got, expected := membersOf(t, made.Value), membersOf(t, value); !reflect.DeepEqual(got, expected) {
		t.Errorf("%s:\n%v\nis not\n%v", name, got, expected)
	}
}

// membersOf is the members of a command but id and at: texts and the like as values, the payload as its bytes.
func membersOf(t *testing.T, value []byte) map[string]any {
	t.Helper()
	members, err := readObject(value)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]any{}
	for _, each := range members {
		var read any
		if err := json.Unmarshal(each.value, &read); each.name == "payload" {
			read = string(each.value)
		} else if err != nil {
			t.Fatal(err)
		}
		found[each.name] = read
	}
	delete(found, "id")
	delete(found, "at")
	return found
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

func TestChangeVectors(t *testing.T) {
	var vectors struct {
		logVectors
		Changes []struct {
			Name            string  `json:"name"`
			Value           *[]byte `json:"value"`
			Verdict         string  `json:"verdict"`
			WithoutEvidence string  `json:"without_evidence"`
			IdempotencyKey  string  `json:"idempotency_key"`
		} `json:"changes"`
		Requests []requestVector `json:"requests"`
	}
	readVectors(t, "changes.json", &vectors)
	ends := map[string]End{}
	fold := newRequestFold(vectors.Partition, newSetReleases(), func(end End) { ends[end.Request] = end })
	readLog(t, vectors.logVectors, fold.take)
	for _, each := range vectors.Requests {
		each.check(t, fold, ends)
	}
	inHand := map[string]bool{}
	for _, each := range vectors.Changes {
		expected := each.Verdict
		if each.WithoutEvidence != "" {
			// This library does not check the evidence of a release: its README says so.
			expected = each.WithoutEvidence
		}
		if got := judge(fold, each.Value, inHand); got != expected {
			t.Errorf("%s: %s, not %s", each.Name, got, expected)
		}
		if each.IdempotencyKey != "" {
			identity, _ := ParseIdentity(vectors.Identity)
			change, err := readChange(*each.Value)
			if key := idempotencyKey(identity, change); err != nil || key != each.IdempotencyKey {
				t.Errorf("%s: the key is %s, not %s", each.Name, key, each.IdempotencyKey)
			}
		}
	}
}

// requestVector is what became of a request.
type requestVector struct {
	Request  string `json:"request"`
	Status   string `json:"status"`
	Progress string `json:"progress"`
	Claim    int64  `json:"claim"`
	Applier  string `json:"applier"`
	Deadline int64  `json:"deadline"`
	By       string `json:"by"`
	Message  string `json:"message"`
	Version  string `json:"version"`
	Seq      int64  `json:"seq"`
	At       int64  `json:"at"`
}

var statuses = map[state]string{
	needsApproval: "needs_approval/", approved: "approved/", released: "approved/released",
	applying: "approved/applying", unsettled: "approved/unknown",
}

func (v requestVector) check(t *testing.T, fold *requestFold, ends map[string]End) {
	t.Helper()
	found := fold.find(v.Request)
	if found == nil {
		end := End{v.Request, v.Status, v.By, v.Message, v.Version, v.Seq, v.At}
		if ends[v.Request] != end {
			t.Errorf("it ended as %+v, not as %+v", ends[v.Request], end)
		}
		return
	}
	if got := statuses[found.state]; got != v.Status+"/"+v.Progress {
		t.Errorf("%+v is %s", v, got)
	}
	if v.Applier == "" {
		if found.grant != nil {
			t.Errorf("%+v is claimed: %+v", v, found.grant)
		}
	} else if found.grant.number != v.Claim || found.grant.applier != v.Applier ||
		(v.Deadline != 0 && found.grant.deadline != v.Deadline) {
		t.Errorf("the claim of %+v is %+v", v, found.grant)
	}
}

func judge(fold *requestFold, value *[]byte, inHand map[string]bool) string {
	if value == nil {
		return string(Unreadable)
	}
	change, err := readChange(*value)
	if err != nil {
		return string(Unreadable)
	}
	found, doubt := fold.find(change.Request), ""
	if found != nil {
		doubt = fold.doubt(found)
	}
	if result, _ := leftAlone(change, found, doubt, nil, inHand[change.Request]); result != "" {
		return string(result)
	}
	inHand[change.Request] = true
	return "claim"
}

func TestAnswerVectors(t *testing.T) {
	var vectors struct {
		logVectors
		Commands []struct {
			Offset  int64    `json:"offset"`
			Seq     *int64   `json:"seq"`
			Events  []string `json:"events"`
			Refusal *string  `json:"refusal"`
			Decided *int64   `json:"decided"`
			First   *struct {
				Refusal *string `json:"refusal"`
			} `json:"first"`
			Recorded bool `json:"recorded"`
		} `json:"commands"`
	}
	readVectors(t, "answers.json", &vectors)
	answers, bySeq, recorded := map[int64]Decision{}, map[int64]Decision{}, map[int64]bool{}
	readLog(t, vectors.logVectors, func(accepted Accepted) {
		bySeq[accepted.Seq] = decisionOf(accepted)
		if accepted.Input >= 0 {
			answers[accepted.Input] = decisionOf(accepted)
			_, recorded[accepted.Input] = accepted.RecordedCommand()
		}
	})
	for _, each := range vectors.Commands {
		answer, ok := answers[each.Offset]
		if ok != (each.Seq != nil) {
			t.Errorf("offset %d: answered %v", each.Offset, ok)
		}
		if !ok {
			continue
		}
		var types []string
		for _, event := range answer.Events {
			types = append(types, event.Type)
		}
		if answer.Seq != *each.Seq || !slices.Equal(types, each.Events) {
			t.Errorf("offset %d: %+v", each.Offset, answer)
		}
		if (answer.Refusal == nil) != (each.Refusal == nil) || (answer.Refusal != nil && answer.Refusal.Code != *each.Refusal) {
			t.Errorf("offset %d: refused as %v", each.Offset, answer.Refusal)
		}
		if decided, repeats := answer.repeats(); repeats != (each.Decided != nil) || (repeats && decided != *each.Decided) {
			t.Errorf("offset %d: repeats %d, %v", each.Offset, decided, repeats)
		} else if repeats {
			first := bySeq[decided].Refusal
			if (first == nil) != (each.First.Refusal == nil) || (first != nil && first.Code != *each.First.Refusal) {
				t.Errorf("offset %d: was refused first as %v", each.Offset, first)
			}
		}
		if recorded[each.Offset] != each.Recorded {
			t.Errorf("offset %d: recorded %v", each.Offset, recorded[each.Offset])
		}
	}
}
