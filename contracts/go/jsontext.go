package assent

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON is read by position here, not by encoding/json: what is signed, hashed or compared are slices of the
// bytes as they came. encoding/json also matches names in any case, takes the last of two members of one name
// and puts U+FFFD in place of what is not UTF-8.

var errNotJSON = errors.New("not one JSON value")

const scanDepthMax = 1000

// member is one member of an object. Its value is a slice of the object's bytes.
type member struct {
	name  string
	value []byte
}

// object is the members of a JSON object in their order. A later one of the same name counts.
type object []member

// scanner walks over JSON text.
type scanner struct {
	data []byte
	at   int
}

// readObject returns the members of the one JSON object that data is.
func readObject(data []byte) (object, error) {
	s := scanner{data: data}
	var found object
	s.space()
	err := s.members(1, func(name string, value []byte) { found = append(found, member{name, value}) })
	if err != nil {
		return nil, err
	}
	return found, s.end()
}

// readArray returns the elements of the one JSON array that data is.
func readArray(data []byte) ([][]byte, error) {
	s := scanner{data: data}
	var found [][]byte
	s.space()
	if err := s.elements(1, func(value []byte) { found = append(found, value) }); err != nil {
		return nil, err
	}
	return found, s.end()
}

func (o object) raw(name string) ([]byte, bool) {
	for index := len(o) - 1; index >= 0; index-- {
		if o[index].name == name {
			return o[index].value, true
		}
	}
	return nil, false
}

// text returns a member that is a string.
func (o object) text(name string) (string, bool) {
	raw, ok := o.raw(name)
	if !ok {
		return "", false
	}
	return readText(raw)
}

// integer returns a member that is an integer, written without point and exponent.
func (o object) integer(name string) (int64, bool) {
	raw, ok := o.raw(name)
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseInt(string(raw), 10, 64)
	return number, err == nil
}

// object returns a member that is an object.
func (o object) object(name string) (object, bool) {
	raw, ok := o.raw(name)
	if !ok {
		return nil, false
	}
	found, err := readObject(raw)
	return found, err == nil
}

func readText(raw []byte) (string, bool) {
	s := scanner{data: raw}
	text, err := s.text()
	return text, err == nil && s.at == len(raw)
}

func (s *scanner) end() error {
	s.space()
	if s.at != len(s.data) {
		return errNotJSON
	}
	return nil
}

func (s *scanner) space() {
	for s.at < len(s.data) && bytes.IndexByte([]byte(" \t\n\r"), s.data[s.at]) >= 0 {
		s.at++
	}
}

func (s *scanner) take(char byte) bool {
	if s.at < len(s.data) && s.data[s.at] == char {
		s.at++
		return true
	}
	return false
}

// value moves past one value and returns its bytes.
func (s *scanner) value(depth int) ([]byte, error) {
	if s.at >= len(s.data) || depth > scanDepthMax {
		return nil, errNotJSON
	}
	start := s.at
	var err error
	switch s.data[s.at] {
	case '{':
		err = s.members(depth+1, nil)
	case '[':
		err = s.elements(depth+1, nil)
	case '"':
		_, err = s.text()
	default:
		err = s.scalar()
	}
	if err != nil {
		return nil, err
	}
	return s.data[start:s.at], nil
}

func (s *scanner) members(depth int, each func(string, []byte)) error {
	if !s.take('{') {
		return errNotJSON
	}
	if s.space(); s.take('}') {
		return nil
	}
	for {
		s.space()
		name, err := s.text()
		if err != nil {
			return err
		}
		if s.space(); !s.take(':') {
			return errNotJSON
		}
		s.space()
		value, err := s.value(depth)
		if err != nil {
			return err
		}
		if each != nil {
			each(name, value)
		}
		if s.space(); s.take('}') {
			return nil
		}
		if !s.take(',') {
			return errNotJSON
		}
	}
}

func (s *scanner) elements(depth int, each func([]byte)) error {
	if !s.take('[') {
		return errNotJSON
	}
	if s.space(); s.take(']') {
		return nil
	}
	for {
		s.space()
		value, err := s.value(depth)
		if err != nil {
			return err
		}
		if each != nil {
			each(value)
		}
		if s.space(); s.take(']') {
			return nil
		}
		if !s.take(',') {
			return errNotJSON
		}
	}
}

// scalar moves past true, false, null or a number.
func (s *scanner) scalar() error {
	start := s.at
	for s.at < len(s.data) && bytes.IndexByte([]byte(",]} \t\n\r:"), s.data[s.at]) < 0 {
		s.at++
	}
	word := s.data[start:s.at]
	switch string(word) {
	case "true", "false", "null":
		return nil
	}
	if !isNumber(word) {
		return errNotJSON
	}
	return nil
}

// isNumber reports whether text is a number as RFC 8259 writes it.
func isNumber(text []byte) bool {
	digits := func() bool {
		count := 0
		for count < len(text) && '0' <= text[count] && text[count] <= '9' {
			count++
		}
		text = text[count:]
		return count > 0
	}
	text = bytes.TrimPrefix(text, []byte("-"))
	if len(text) > 1 && text[0] == '0' && '0' <= text[1] && text[1] <= '9' {
		return false
	}
	if !digits() {
		return false
	}
	if len(text) > 0 && text[0] == '.' {
		if text = text[1:]; !digits() {
			return false
		}
	}
	if len(text) > 0 && (text[0] == 'e' || text[0] == 'E') {
		text = text[1:]
		if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
			text = text[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(text) == 0
}

// text moves past a string and returns what it stands for. It refuses lone surrogates and what is not UTF-8.
func (s *scanner) text() (string, error) {
	if !s.take('"') {
		return "", errNotJSON
	}
	var text []byte
	for s.at < len(s.data) {
		char := s.data[s.at]
		switch {
		case char == '"':
			s.at++
			if !utf8.Valid(text) {
				return "", errNotJSON
			}
			return string(text), nil
		case char < 0x20:
			return "", errNotJSON
		case char == '\\':
			decoded, ok := s.escape()
			if !ok {
				return "", errNotJSON
			}
			text = utf8.AppendRune(text, decoded)
		default:
			text = append(text, char)
			s.at++
		}
	}
	return "", errNotJSON
}

func (s *scanner) escape() (rune, bool) {
	s.at++
	if s.at >= len(s.data) {
		return 0, false
	}
	char := s.data[s.at]
	s.at++
	const short, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if index := bytes.IndexByte([]byte(short), char); index >= 0 {
		return rune(meant[index]), true
	}
	if char != 'u' {
		return 0, false
	}
	first, ok := s.hex()
	if !ok || !utf16.IsSurrogate(first) {
		return first, ok
	}
	if !s.take('\\') || !s.take('u') {
		return 0, false
	}
	second, ok := s.hex()
	both := utf16.DecodeRune(first, second)
	return both, ok && both != utf8.RuneError
}

func (s *scanner) hex() (rune, bool) {
	if s.at+4 > len(s.data) {
		return 0, false
	}
	code := rune(0)
	for _, char := range s.data[s.at : s.at+4] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), char|0x20)
		if digit < 0 || (char < 'A' && char > '9') || char < '0' {
			return 0, false
		}
		code = code<<4 | rune(digit)
	}
	s.at += 4
	return code, true
}
