package assent

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzScanner holds the scanner against encoding/json: what it takes is JSON, and what it refuses is not, or has a
// lone surrogate, or is not UTF-8.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":[1,2.5e-3,"x\u00f6\ud83d\ude00",true,null]}`, `{"a":1,"a":2}`, `{ "a" : [ ] , "b":{}}`, `{"a":01}`,
		`{"a":"\ud83d"}`, `{"a":1}x`, `[`, `{"a":-}`, "{\"\xff\":1}", `{"a":"\x"}`, `{"a":1.}`, `{"a":tru}`, `{"a":"` + "\n" + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := readObject(data)
		if err == nil && !json.Valid(data) {
			t.Fatalf("%q is not JSON", data)
		}
		if err != nil {
			var any map[string]json.RawMessage
			if json.Unmarshal(data, &any) == nil && utf8.Valid(data) && len(any) > 0 && !hasSurrogateEscape(data) {
				t.Fatalf("%q is a JSON object: %v", data, err)
			}
			return
		}
		for _, each := range members {
			if !json.Valid(each.value) {
				t.Fatalf("%q of %q is not JSON", each.value, data)
			}
		}
	})
}

func hasSurrogateEscape(data []byte) bool {
	for index := range data {
		if index+3 < len(data) && data[index] == '\\' && data[index+1]|0x20 == 'u' && data[index+2]|0x20 == 'd' {
			return true
		}
	}
	return false
}
