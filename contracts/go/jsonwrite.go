package assent

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// field is a member to write: a string, an int64, or json.RawMessage, which is written byte for byte.
type field struct {
	name  string
	value any
}

// encodeObject writes a JSON object without spaces, its members in this order. It refuses text that is not
// UTF-8: encoding/json would change it.
func encodeObject(fields ...field) ([]byte, error) {
	text := []byte{'{'}
	for index, each := range fields {
		if index > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), each.name...), '"', ':')
		switch value := each.value.(type) {
		case string:
			if !utf8.ValidString(value) {
				return nil, errors.New(each.name + " is not UTF-8: convert it first")
			}
			text = append(text, encodeText(value)...)
		case int64:
			text = strconv.AppendInt(text, value, 10)
		case json.RawMessage:
			text = append(text, value...)
		default:
			return nil, errors.New(each.name + " has a type that is not written here")
		}
	}
	return append(text, '}'), nil
}

// encodeText writes a JSON string without escapes that are not needed.
func encodeText(text string) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}
