package assent

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	payloadMaxBytes      = 256 << 10
	commandMaxBytes      = payloadMaxBytes + 16<<10
	payloadMaxDepth      = 64
	numberMaxChars       = 64
	justificationMaxRune = 1024
)

// Submitted is a submission as its exact bytes have it.
type Submitted struct {
	ID, Principal, Resource, Operation, Justification, OnBehalfOf string
	// Payload is a slice of the command's bytes.
	Payload []byte
	Digest  string // SHA-256 of Payload, hex
	SHA256  string // SHA-256 of the whole command, hex: what approvals and completions name as submission
	Details Details
}

var submissionFields = func() map[string]bool {
	fields := map[string]bool{
		"type": true, "id": true, "principal": true, "at": true, "resource": true, "operation": true,
		"justification": true, "payload": true, "on_behalf_of": true,
	}
	for _, each := range detailFields {
		fields[each] = true
	}
	return fields
}()

var (
	versioned     = regexp.MustCompile(`^(assent\.[a-z-]+)\.v[0-9]+$`)
	typeName      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	knownCommands = func() map[string]bool {
		known := map[string]bool{}
		for _, each := range []string{
			typeSubmit, typeApprove, typeReject, typeRevoke, typeCancel, typeDone, typeClaim, typeReport,
			typeClose, typeRenew, typeSettle,
			"assent.report-finding.v1", "assent.close-finding.v1", "assent.confirm-set.v1",
		} {
			known[strings.TrimSuffix(each, ".v1")] = true
		}
		return known
	}()
)

// ReadSubmission takes a submission out of its exact bytes. It refuses, with a *Refusal, what a decider refuses for
// its form, but does not know which characters the id of an object may have.
func ReadSubmission(value []byte) (Submitted, error) {
	var none Submitted
	if len(value) > commandMaxBytes {
		return none, tooLarge(fmt.Sprintf("The command has %d bytes; at most %d are taken.", len(value), commandMaxBytes))
	}
	if len(value) == 0 || value[0] != '{' || value[len(value)-1] != '}' || !utf8.Valid(value) {
		return none, malformed("The value is not one JSON object in UTF-8, without anything before or after it.")
	}
	members, err := readObject(value)
	if err != nil {
		return none, malformed("The value is not one JSON object.")
	}
	if kind, _ := members.text("type"); kind != typeSubmit {
		if match := versioned.FindStringSubmatch(kind); match != nil && knownCommands[match[1]] {
			return none, &Refusal{Code: "unknown-version", Detail: "This version of " + match[1] + " is not known here."}
		}
		return none, malformed("The value is not a submission.")
	}
	for _, each := range members {
		if !submissionFields[each.name] {
			return none, malformed("A submission has no field " + fmt.Sprintf("%.80q.", each.name))
		}
	}
	found, err := readSubmitted(members)
	if err != nil {
		return none, err
	}
	if found.Details, err = readDetails(members); err != nil {
		return none, err
	}
	if err := unambiguous(value); err != nil {
		return none, err
	}
	found.Digest, found.SHA256 = sha256Hex(found.Payload), sha256Hex(value)
	return found, nil
}

func readSubmitted(members object) (Submitted, error) {
	var found Submitted
	for name, target := range map[string]*string{
		"id": &found.ID, "principal": &found.Principal, "resource": &found.Resource, "operation": &found.Operation,
	} {
		text, ok := members.text(name)
		if !ok {
			return found, malformed(name + " is missing, or is not a text.")
		}
		*target = text
	}
	for name, target := range map[string]*string{
		"justification": &found.Justification, "on_behalf_of": &found.OnBehalfOf,
	} {
		text, ok := members.text(name)
		if _, there := members.raw(name); there && !ok {
			return found, malformed(name + " is not a text.")
		}
		*target = text
	}
	if at, ok := members.integer("at"); !ok || at < 0 {
		return found, malformed("at is not a time in milliseconds since 1970.")
	}
	payload, ok := members.raw("payload")
	if !ok {
		return found, malformed("payload is missing.")
	}
	found.Payload = payload
	kind, name, _ := strings.Cut(found.Resource, "/")
	switch {
	case !typeName.MatchString(kind) || name == "":
		return found, malformed("resource is not <type>/<id>: a type of a-z, 0-9 and -.")
	case len(payload) > payloadMaxBytes:
		return found, tooLarge(fmt.Sprintf("The payload has %d bytes; at most %d are taken.", len(payload), payloadMaxBytes))
	case depthOf(payload) > payloadMaxDepth:
		return found, tooLarge(fmt.Sprintf("The payload is nested deeper than %d levels.", payloadMaxDepth))
	case !typeName.MatchString(found.Operation):
		return found, malformed("operation is not a name of a-z, 0-9 and -, at most 64 characters.")
	case utf8.RuneCountInString(found.Justification) > justificationMaxRune:
		return found, tooLarge(fmt.Sprintf("The justification has more than %d characters.", justificationMaxRune))
	case strings.TrimSpace(found.Justification) == "":
		return found, &Refusal{Code: "justification-required", Detail: "The justification is empty."}
	}
	return found, nil
}

// unambiguous refuses what another reader might read otherwise: a name that comes twice in one object, at whatever
// depth, and a number that some reader could not keep. value is known to be JSON.
func unambiguous(value []byte) error {
	if longNumber(value) {
		return tooLarge(fmt.Sprintf("A number has more than %d characters.", numberMaxChars))
	}
	if repeatsName(value) {
		return malformed("A name comes twice in one object.")
	}
	return nil
}

func repeatsName(value []byte) bool {
	switch value[0] {
	case '{':
		members, err := readObject(value)
		if err != nil {
			return true
		}
		names := make(map[string]bool, len(members))
		for _, each := range members {
			if names[each.name] || repeatsName(each.value) {
				return true
			}
			names[each.name] = true
		}
	case '[':
		elements, err := readArray(value)
		if err != nil {
			return true
		}
		for _, each := range elements {
			if repeatsName(each) {
				return true
			}
		}
	}
	return false
}

// outsideTexts calls each with the bytes of JSON that are not part of a string.
func outsideTexts(value []byte, each func(byte)) {
	inside := false
	for index := 0; index < len(value); index++ {
		switch char := value[index]; {
		case inside && char == '\\':
			index++
		case char == '"':
			inside = !inside
			each(char)
		case !inside:
			each(char)
		}
	}
}

func longNumber(value []byte) bool {
	length, longest := 0, 0
	outsideTexts(value, func(char byte) {
		if bytes.IndexByte([]byte("-+.0123456789eE"), char) < 0 {
			length = 0
			return
		}
		length++
		longest = max(longest, length)
	})
	return longest > numberMaxChars
}

func depthOf(value []byte) int {
	depth, deepest := 0, 0
	outsideTexts(value, func(char byte) {
		switch char {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	})
	return deepest
}

func malformed(detail string) *Refusal { return &Refusal{Code: "malformed", Detail: detail} }

func tooLarge(detail string) *Refusal { return &Refusal{Code: "too-large", Detail: detail} }
