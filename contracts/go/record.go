package assent

// recordMaxBytes is the size up to which readers take a ledger record.
const recordMaxBytes = 1 << 20

// LedgerRecord is the value of a ledger record. The parts that not every reader needs stay as they came.
type LedgerRecord struct {
	Seq   int64
	Prev  string // the SHA-256 of the record before, hex
	Epoch int64
	// Input is the offset of the command, or -1 for what the writer did by itself.
	Input int64
	// Received is when the broker appended the command, ms; -1 when Input is.
	Received int64
	At       int64 // log time, ms
	// Governance is the governance seq that the decision used, or -1.
	Governance int64
	Command    []byte
	Events     []byte
	Refusal    []byte
}

// readRecord reads a record's value, which anybody may have sent.
func readRecord(value []byte) (LedgerRecord, bool) {
	none := LedgerRecord{}
	members, err := readObject(value)
	if err != nil {
		return none, false
	}
	record := LedgerRecord{Input: -1, Received: -1, Governance: -1}
	var ok [4]bool
	record.Seq, ok[0] = members.integer("seq")
	record.Prev, ok[1] = members.text("prev")
	record.Epoch, ok[2] = members.integer("epoch")
	record.At, ok[3] = members.integer("at")
	for name, target := range map[string]*int64{
		"input": &record.Input, "received": &record.Received, "governance": &record.Governance,
	} {
		if _, there := members.raw(name); there {
			number, whole := members.integer(name)
			if !whole {
				return none, false
			}
			*target = number
		}
	}
	record.Command, _ = members.raw("command")
	record.Events, _ = members.raw("events")
	record.Refusal, _ = members.raw("refusal")
	return record, ok == [4]bool{true, true, true, true}
}

// RecordedCommand is a well-formed command as the ledger embeds it.
type RecordedCommand struct {
	Value     []byte // the bytes as they came
	Key       string
	Signature string
}

// RecordedCommand returns the command that led to a record. It is false for what the writer did by itself, and
// for bytes of which the ledger keeps the hash only.
func (r LedgerRecord) RecordedCommand() (RecordedCommand, bool) {
	members, err := readObject(r.Command)
	if err != nil {
		return RecordedCommand{}, false
	}
	value, okValue := members.raw("value")
	key, okKey := members.text("key")
	signature, okSignature := members.text("signature")
	return RecordedCommand{value, key, signature}, okValue && okKey && okSignature
}

// Event is one event of a record: what the decision made true.
type Event struct {
	Type string
	Raw  []byte

	members object
}

// readEvents reads the events of a record; none when it is a refusal.
func (r LedgerRecord) readEvents() ([]Event, bool) {
	if r.Events == nil {
		return nil, true
	}
	raws, err := readArray(r.Events)
	if err != nil {
		return nil, false
	}
	events := make([]Event, 0, len(raws))
	for _, raw := range raws {
		members, err := readObject(raw)
		if err != nil {
			return nil, false
		}
		kind, ok := members.text("type")
		if !ok {
			return nil, false
		}
		events = append(events, Event{Type: kind, Raw: raw, members: members})
	}
	return events, true
}
