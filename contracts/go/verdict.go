package assent

// Result is what became of a record of assent.changes, or of the change in it.
type Result string

// The results of records that are left alone.
const (
	NotOpen      Result = "not-open"      // the ledger has no such open request here, or it is claimed
	Forged       Result = "forged"        // it is not what the ledger has released
	Unreadable   Result = "unreadable"    // it is not a change
	InHand       Result = "in-hand"       // this applier is working on it
	OtherType    Result = "other-type"    // of a type that this applier leaves alone
	NoEvidence   Result = "no-evidence"   // the ledger contradicts itself there
	OtherRelease Result = "other-release" // another release of this id is in the journal, from a log that was put back
	NotClaimed   Result = "not-claimed"   // another applier was first, or it ended
	Refused      Result = "refused"       // a claim or a report was refused; it is tried again once something changed
)

// The outcomes of changes that were claimed.
const (
	Succeeded      Result = "succeeded"
	Failed         Result = "failed"
	UnknownOutcome Result = "unknown"
)

// leftAlone returns why a change is left alone; the empty result if it waits to be claimed.
func leftAlone(change Change, found *openRequest, doubt string, types map[string]bool, inHand bool) (Result, string) {
	switch {
	case found == nil:
		return NotOpen, "The ledger has no open request of this id here."
	case found.wasRelease(change):
		return NotOpen, "It has been released again since."
	case !found.isRelease(change):
		return Forged, "This is not what the ledger has released, if anything."
	case types != nil && !types[change.Type()]:
		return OtherType, ""
	case inHand:
		return InHand, ""
	case found.grant != nil:
		return NotOpen, found.grant.applier + " has claimed it."
	case doubt != "":
		return NoEvidence, doubt
	}
	return "", ""
}
