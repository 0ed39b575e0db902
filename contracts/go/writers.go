package assent

import (
	"bytes"
	"fmt"
	"strings"
)

// recoveryID is the id under which the recovery key seals. No writer has it.
const recoveryID = "recovery"

const (
	eventLogFounded    = "assent.log-founded.v1"
	eventWriterAdded   = "assent.writer-added.v1"
	eventWriterRetired = "assent.writer-retired.v1"
	eventLossAccepted  = "assent.loss-accepted.v1"
)

// governanceEvents are the events of governance that this version knows. An unknown one could change who may
// seal, so a reader stops there.
var governanceEvents = func() map[string]bool {
	known := map[string]bool{}
	for _, name := range strings.Fields(`log-founded principal-registered principal-enabled principal-disabled
		operator-set key-registered key-expires key-revoked keys-revoked writer-added writer-retired loss-accepted
		group-defined group-deleted role-assigned role-withdrawn settings-changed policy-created policy-edited
		policy-deleted directory-synced time-corrected founding-closed release-carried-out release-refused
		command-repeated`) {
		known["assent."+name+".v1"] = true
	}
	return known
}()

// listedWriter is a writer's key, and the governance seqs that listed and retired it.
type listedWriter struct {
	publicKey []byte
	since     int64
	until     int64 // -1 while it is listed
}

// writers is the keys that governance lists: each from one seq on, some until another.
type writers struct {
	listed     map[string]listedWriter
	recovery   []byte
	losses     []loss
	partitions int
	head       int64 // the last governance seq that was applied
}

func newWriters() *writers {
	return &writers{listed: map[string]listedWriter{}, head: -1}
}

// apply moves past the accepted governance record seq. Records come in order.
func (w *writers) apply(record LedgerRecord) error {
	events, ok := record.readEvents()
	if !ok {
		return fmt.Errorf("record %d of governance cannot be read: use a newer version of this library", record.Seq)
	}
	for _, event := range events {
		if !governanceEvents[event.Type] {
			return fmt.Errorf("record %d of governance has the unknown event %q: use a newer version of this library",
				record.Seq, event.Type)
		}
		if !w.applyEvent(record.Seq, event) {
			return fmt.Errorf("the event %s of record %d of governance cannot be read", event.Type, record.Seq)
		}
	}
	w.head = record.Seq
	return nil
}

func (w *writers) applyEvent(seq int64, event Event) bool {
	switch event.Type {
	case eventLogFounded:
		// Record 0 alone founds: another one, which a stolen key could seal, changes nothing.
		return seq != 0 || w.found(event)
	case eventWriterAdded:
		id, key, ok := readWriter(event)
		if _, there := w.listed[id]; ok && !there {
			w.listed[id] = listedWriter{key, seq, -1}
		}
		return ok
	case eventWriterRetired:
		id, ok := event.members.text("writer")
		if listed, there := w.listed[id]; there && listed.until < 0 {
			listed.until = seq
			w.listed[id] = listed
		}
		return ok
	case eventLossAccepted:
		accepted, ok := readLoss(event)
		if ok {
			w.losses = append(w.losses[:len(w.losses):len(w.losses)], accepted)
		}
		return ok
	}
	return true
}

func (w *writers) found(event Event) bool {
	founding, ok := event.members.object("founding")
	if !ok {
		return false
	}
	recovery, _ := founding.text("recovery")
	partitions, ok := founding.integer("partitions")
	named, okWriters := founding.object("writers")
	key, err := fromBase64URL(recovery)
	if !ok || !okWriters || err != nil {
		return false
	}
	w.recovery, w.partitions = key, int(partitions)
	for _, each := range named {
		text, _ := readText(each.value)
		key, err := fromBase64URL(text)
		if err != nil {
			return false
		}
		w.listed[each.name] = listedWriter{key, 0, -1}
	}
	return true
}

func readWriter(event Event) (string, []byte, bool) {
	writer, ok := event.members.object("writer")
	if !ok {
		return "", nil, false
	}
	id, okID := writer.text("id")
	text, okKey := writer.text("public_key")
	key, err := fromBase64URL(text)
	return id, key, okID && okKey && err == nil
}

// publicKey is the key of a writer at a governance seq, or nil if it is not listed there.
func (w *writers) publicKey(id string, governance int64) []byte {
	listed, ok := w.listed[id]
	if !ok || governance < listed.since || governance > w.head {
		return nil
	}
	if listed.until >= 0 && governance >= listed.until {
		return nil
	}
	return listed.publicKey
}

// governanceSealer is the key whose seal under an id makes a run of governance count, or nil. head is the seq of
// the accepted record that the run follows.
//
// A writer's seal counts up to the record that retires it, and on no run that accepts a loss. The recovery key
// seals a run of one record that adds or retires writers, or accepts one loss, and nothing else.
func (w *writers) governanceSealer(id string, head int64, run []Accepted) []byte {
	if id == recoveryID {
		if len(run) == 1 && onlyRecovers(run[0].LedgerRecord) {
			return w.recovery
		}
		return nil
	}
	named := encodeText(id)
	for index, each := range run {
		retires := func(event Event) bool {
			writer, _ := event.members.raw("writer")
			return event.Type == eventWriterRetired && bytes.Equal(writer, named)
		}
		losing := func(event Event) bool { return event.Type == eventLossAccepted }
		if hasEvent(each.LedgerRecord, losing) || (index < len(run)-1 && hasEvent(each.LedgerRecord, retires)) {
			return nil
		}
	}
	return w.publicKey(id, head)
}

func onlyRecovers(record LedgerRecord) bool {
	events, ok := record.readEvents()
	if !ok || record.Refusal != nil || len(events) == 0 {
		return false
	}
	for _, event := range events {
		readable := false
		switch event.Type {
		case eventWriterAdded:
			_, _, readable = readWriter(event)
		case eventWriterRetired:
			_, readable = event.members.text("writer")
		case eventLossAccepted:
			_, readable = readLoss(event)
			readable = readable && len(events) == 1
		}
		if !readable {
			return false
		}
	}
	return true
}

// hasEvent reports whether one of a record's events is such a one. What cannot be read could be anything.
func hasEvent(record LedgerRecord, isSuch func(Event) bool) bool {
	events, ok := record.readEvents()
	if !ok {
		return true
	}
	for _, event := range events {
		if isSuch(event) {
			return true
		}
	}
	return false
}
