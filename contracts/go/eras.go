package assent

// firstEra is the era of a log before a loss was accepted.
const firstEra = ""

// ledgerEnd is where one ledger partition ends, once what came after it is given up as lost.
type ledgerEnd struct {
	ledger     string
	partition  int64
	seq        int64
	sha256     string
	nextOffset int64
}

// loss is a loss that the recovery key has accepted: a new era of the log begins at these ends.
type loss struct {
	era     string
	ends    []ledgerEnd
	givenUp []string
}

func (l loss) end(ledger string, partition int) (ledgerEnd, bool) {
	for _, end := range l.ends {
		if end.ledger == ledger && end.partition == int64(partition) {
			return end, true
		}
	}
	return ledgerEnd{}, false
}

// givesUp reports whether a record of a partition of requests is given up with this loss.
func (l loss) givesUp(partition int, seq int64) bool {
	end, ok := l.end("ledger", partition)
	return ok && end.seq < seq
}

// isKnownAt reports whether a record that names this governance seq was decided under one that has the loss.
func (l loss) isKnownAt(governance int64) bool {
	end, ok := l.end("governance", 0)
	return !ok || governance > end.seq
}

// lossBefore is the last loss behind whose end a partition of requests has the record seq.
func lossBefore(partition int, seq int64, losses []loss) *loss {
	for index := len(losses) - 1; index >= 0; index-- {
		if losses[index].givesUp(partition, seq) {
			return &losses[index]
		}
	}
	return nil
}

// lossesSince is the losses that were accepted after an era. There are none after an era that governance does
// not know, unless a loss names it as given up.
func lossesSince(era string, losses []loss) []loss {
	if era == firstEra {
		return losses
	}
	for index, each := range losses {
		if era == each.era {
			return losses[index+1:]
		}
		for _, given := range each.givenUp {
			if era == given {
				return losses[index:]
			}
		}
	}
	return nil
}

// readLoss reads the loss of an event assent.loss-accepted.v1.
func readLoss(event Event) (loss, bool) {
	members, ok := event.members.object("loss")
	if !ok {
		return loss{}, false
	}
	var found loss
	if found.era, ok = members.text("era"); !ok {
		return loss{}, false
	}
	raw, _ := members.raw("ends")
	ends, err := readArray(raw)
	if err != nil {
		return loss{}, false
	}
	for _, raw := range ends {
		end, ok := readEnd(raw)
		if !ok {
			return loss{}, false
		}
		found.ends = append(found.ends, end)
	}
	if raw, there := members.raw("given_up"); there {
		given, err := readArray(raw)
		if err != nil {
			return loss{}, false
		}
		for _, raw := range given {
			era, ok := readText(raw)
			if !ok {
				return loss{}, false
			}
			found.givenUp = append(found.givenUp, era)
		}
	}
	return found, true
}

func readEnd(raw []byte) (ledgerEnd, bool) {
	members, err := readObject(raw)
	if err != nil {
		return ledgerEnd{}, false
	}
	var end ledgerEnd
	var ok [5]bool
	end.ledger, ok[0] = members.text("ledger")
	end.partition, ok[1] = members.integer("partition")
	end.seq, ok[2] = members.integer("seq")
	end.sha256, ok[3] = members.text("sha256")
	end.nextOffset, ok[4] = members.integer("next_offset")
	return end, ok == [5]bool{true, true, true, true, true}
}
