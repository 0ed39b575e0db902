package assent

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// readDetails reads the optional fields of a submission, and refuses what a decider refuses for its form.
func readDetails(members object) (Details, error) {
	var found Details
	for _, each := range []struct {
		name   string
		target *string
	}{{"impact", &found.Impact}, {"fallback", &found.Fallback}, {"expected", &found.Expected}} {
		raw, there := members.raw(each.name)
		if !there {
			continue
		}
		var err error
		if *each.target, err = readWords(each.name, raw, detailTextMaxRune); err != nil {
			return found, err
		}
	}
	if raw, there := members.raw("emergency"); there {
		emergency := string(raw) == "true"
		if !emergency && string(raw) != "false" {
			return found, malformed("emergency is neither true nor false.")
		}
		found.Emergency = &emergency
	}
	var err error
	if found.NotBefore, found.NotAfter, err = readWindow(members); err != nil {
		return found, err
	}
	if raw, there := members.raw("base"); there {
		if found.Base, err = readIdentifier("base", raw, versionMaxChars); err != nil {
			return found, err
		}
	}
	if found.Tested, err = readTested(members); err != nil {
		return found, err
	}
	if _, there := members.raw("members"); there {
		count, ok := members.integer("members")
		if !ok {
			return found, malformed("members is not a whole number.")
		}
		found.Members = int(count)
	}
	if _, there := members.raw("part_of"); there {
		var ok bool
		if found.PartOf, ok = members.text("part_of"); !ok {
			return found, malformed("part_of is not a text.")
		}
	}
	found.Tickets, err = readTickets(members)
	return found, err
}

func readWindow(members object) (notBefore, notAfter int64, err error) {
	for _, each := range []struct {
		name   string
		target *int64
	}{{"not_before", &notBefore}, {"not_after", &notAfter}} {
		if _, there := members.raw(each.name); !there {
			continue
		}
		at, ok := members.integer(each.name)
		if !ok || at < 0 || at >= forEverMs {
			return 0, 0, malformed(each.name + " is not a time in milliseconds since 1970.")
		}
		*each.target = at
	}
	_, begins := members.raw("not_before")
	_, ends := members.raw("not_after")
	at, _ := members.integer("at")
	switch {
	case begins && ends && notBefore >= notAfter:
		return 0, 0, malformed("not_before is not earlier than not_after.")
	case ends && notAfter-at > longestMs:
		return 0, 0, malformed("not_after is more than a hundred years later than the command.")
	case begins && notBefore-at > windowAheadMaxMs:
		return 0, 0, malformed("not_before is more than 366 days later than the command.")
	}
	return notBefore, notAfter, nil
}

// readWords reads a text for people: not empty, no control characters, at most so many characters.
func readWords(name string, raw []byte, most int) (string, error) {
	text, ok := readText(raw)
	switch {
	case !ok:
		return "", malformed(name + " is not a text.")
	case utf8.RuneCountInString(text) > most:
		return "", tooLarge(fmt.Sprintf("%s has more than %d characters.", name, most))
	case strings.ContainsFunc(text, isControl):
		return "", malformed(name + " has a control character.")
	case strings.TrimSpace(text) == "":
		return "", malformed(name + " is empty: leave it out, or say something.")
	}
	return text, nil
}

func isControl(char rune) bool {
	return (char < 0x20 && char != '\n' && char != '\r' && char != '\t') || (char >= 0x7f && char < 0xa0)
}

func readTested(members object) ([]HashedReference, error) {
	elements, err := readList(members, "tested", testedMax)
	if err != nil {
		return nil, err
	}
	var found []HashedReference
	for _, element := range elements {
		test, err := readObject(element)
		if err != nil {
			return nil, malformed("An entry of tested is not an object.")
		}
		var one HashedReference
		for _, each := range test {
			switch each.name {
			case "what":
				if one.What, err = readWords("what of tested", each.value, testedWhatMaxRune); err != nil {
					return nil, err
				}
				if strings.ContainsAny(one.What, "\n\r\t") {
					return nil, malformed("what of tested is one line.")
				}
			case "uri":
				if one.URI, err = readIdentifier("uri of tested", each.value, uriMaxChars); err != nil {
					return nil, err
				}
			case "sha256":
				one.SHA256, _ = readText(each.value)
			default:
				return nil, malformed("An entry of tested has no field " + fmt.Sprintf("%.80q.", each.name))
			}
		}
		if one.What == "" || !isDigest(one.SHA256) {
			return nil, malformed("An entry of tested lacks what or sha256, or sha256 is not 64 lower-case hex digits.")
		}
		found = append(found, one)
	}
	return found, nil
}

func readTickets(members object) ([]string, error) {
	elements, err := readList(members, "tickets", ticketsMax)
	if err != nil {
		return nil, err
	}
	var found []string
	there := map[string]bool{}
	for _, element := range elements {
		ticket, err := readIdentifier("a ticket", element, ticketMaxChars)
		if err != nil {
			return nil, err
		}
		if there[ticket] {
			return nil, malformed("tickets names one ticket twice.")
		}
		there[ticket] = true
		found = append(found, ticket)
	}
	return found, nil
}

// readList returns the elements of a list that is not empty; nil where the field is absent.
func readList(members object, name string, most int) ([][]byte, error) {
	raw, there := members.raw(name)
	if !there {
		return nil, nil
	}
	elements, err := readArray(raw)
	switch {
	case err != nil:
		return nil, malformed(name + " is not a list.")
	case len(elements) == 0:
		return nil, malformed(name + " is an empty list: leave it out.")
	case len(elements) > most:
		return nil, tooLarge(fmt.Sprintf("%s has %d entries; at most %d are taken.", name, len(elements), most))
	}
	return elements, nil
}

func readIdentifier(name string, raw []byte, most int) (string, error) {
	text, ok := readText(raw)
	switch {
	case !ok:
		return "", malformed(name + " is not a text.")
	case utf8.RuneCountInString(text) > most:
		return "", tooLarge(fmt.Sprintf("%s has more than %d characters.", name, most))
	case !isIdentifier(text, most):
		return "", malformed(fmt.Sprintf("%s is not 1 to %d printable ASCII characters without spaces.", name, most))
	}
	return text, nil
}

// isIdentifier reports whether text is 1 to so many printable ASCII characters without spaces.
func isIdentifier(text string, most int) bool {
	return text != "" && len(text) <= most &&
		!strings.ContainsFunc(text, func(char rune) bool { return char <= ' ' || char > '~' })
}

func isDigest(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}
