package assent

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

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
