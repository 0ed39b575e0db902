package assent

import "fmt"

// Decision is the ledger's answer to a command.
type Decision struct {
	Partition int
	Seq       int64
	At        int64 // log time, ms
	Events    []Event
	Refusal   *Refusal // nil if the command was carried out
	// Repeated means that these bytes had been decided before: this is that first decision.
	Repeated bool
}

// Request is the id of the request that a submission opened; empty for other decisions.
func (d Decision) Request() string {
	for _, event := range d.Events {
		if requestEvents[event.Type].submits {
			return fmt.Sprintf("%d-%d", d.Partition, d.Seq)
		}
	}
	return ""
}

func decisionOf(accepted Accepted) Decision {
	events, ok := accepted.readEvents()
	refusal := accepted.readRefusal()
	if !ok {
		// Only a writer can have sealed it. It is not to look like a decision without events.
		refusal = &unreadableRefusal
	}
	return Decision{
		Partition: accepted.Partition, Seq: accepted.Seq, At: accepted.At, Events: events, Refusal: refusal,
	}
}

// repeats returns the seq of the first decision, if this one is on a command that came before.
func (d Decision) repeats() (int64, bool) {
	for _, event := range d.Events {
		if event.Type == "assent.command-repeated.v1" {
			return event.members.integer("decided")
		}
	}
	return 0, false
}
