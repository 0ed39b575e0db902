package assent

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	detailTextMaxRune = 1024 // impact, fallback, expected
	testedMax         = 16
	testedWhatMaxRune = 256
	uriMaxChars       = 1024
	ticketsMax        = 16
	ticketMaxChars    = 64
	versionMaxChars   = 256
	forEverMs         = 1<<53 - 1
	windowAheadMaxMs  = 366 * 24 * 60 * 60 * 1000
	longestMs         = 36_500 * 24 * 60 * 60 * 1000
)

// HashedReference is something that shows how a change was tested, fixed by its hash.
type HashedReference struct {
	What   string // for people
	URI    string // where it is; may be empty
	SHA256 string // of its bytes, hex
}

// Details is what a submission can say about its change besides what is changed and why. What is empty is left out.
// A policy can demand some of it.
type Details struct {
	Impact   string
	Fallback string
	Tested   []HashedReference
	Expected string
	// Emergency states whether the change cannot wait; nil states nothing.
	Emergency *bool
	Tickets   []string
	// Base is the version of the object from which the change was made, as the target names it.
	Base string
	// NotBefore and NotAfter are the window in which the change can be applied, ms since 1970; 0 is no limit.
	NotBefore, NotAfter int64
	// Members is how many members the payload lists, if this is a set (R29); Publisher.SubmitSet makes one.
	Members int
	// PartOf is the request of the set of which this change is a member.
	PartOf string
}

// detailFields are the names of a submission's optional fields.
var detailFields = []string{"impact", "fallback", "tested", "expected", "emergency", "tickets", "base", "not_before", "not_after", "members", "part_of"}

// fields returns the members that state d.
func (d Details) fields() ([]field, error) {
	var fields []field
	for _, each := range []struct{ name, text string }{{"impact", d.Impact}, {"fallback", d.Fallback}} {
		if each.text != "" {
			fields = append(fields, field{each.name, each.text})
		}
	}
	if len(d.Tested) > 0 {
		tested, err := encodeTested(d.Tested)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{"tested", tested})
	}
	if d.Expected != "" {
		fields = append(fields, field{"expected", d.Expected})
	}
	if d.Emergency != nil {
		fields = append(fields, field{"emergency", json.RawMessage(fmt.Sprint(*d.Emergency))})
	}
	if len(d.Tickets) > 0 {
		var tickets []string
		for _, each := range d.Tickets {
			if !utf8.ValidString(each) {
				return nil, fmt.Errorf("a ticket is not UTF-8: convert it first")
			}
			tickets = append(tickets, string(encodeText(each)))
		}
		fields = append(fields, field{"tickets", json.RawMessage("[" + strings.Join(tickets, ",") + "]")})
	}
	if d.Base != "" {
		fields = append(fields, field{"base", d.Base})
	}
	if d.NotBefore != 0 {
		fields = append(fields, field{"not_before", d.NotBefore})
	}
	if d.NotAfter != 0 {
		fields = append(fields, field{"not_after", d.NotAfter})
	}
	if d.Members != 0 {
		fields = append(fields, field{"members", int64(d.Members)})
	}
	if d.PartOf != "" {
		fields = append(fields, field{"part_of", d.PartOf})
	}
	return fields, nil
}

func encodeTested(tested []HashedReference) (json.RawMessage, error) {
	var all []string
	for _, each := range tested {
		members := []field{{"what", each.What}, {"sha256", each.SHA256}}
		if each.URI != "" {
			members = append(members, field{"uri", each.URI})
		}
		one, err := encodeObject(members...)
		if err != nil {
			return nil, err
		}
		all = append(all, string(one))
	}
	return json.RawMessage("[" + strings.Join(all, ",") + "]"), nil
}
