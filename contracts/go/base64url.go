package assent

import (
	"encoding/base64"
	"errors"
)

var errNotBase64URL = errors.New("not base64url without padding")

// toBase64URL encodes data in base64url without padding.
func toBase64URL(data []byte) string {
	return base64.RawURLEncoding.EncodeToString(data)
}

// fromBase64URL decodes base64url without padding. It refuses everything that toBase64URL would not write.
func fromBase64URL(text string) ([]byte, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The decoder ignores line breaks.
	if err != nil || base64.RawURLEncoding.EncodedLen(len(data)) != len(text) {
		return nil, errNotBase64URL
	}
	return data, nil
}
