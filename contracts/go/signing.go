package assent

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// The headers of signed records.
const (
	headerKey       = "assent-key"
	headerSignature = "assent-signature"
	headerWriter    = "assent-writer"
	headerSeal      = "assent-seal"
)

// Identity is a log's identity: the SHA-256 of record 0 of its governance.
type Identity [sha256.Size]byte

// ParseIdentity reads an identity of 64 hex digits, as `assent env` prints it.
func ParseIdentity(text string) (Identity, error) {
	var identity Identity
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != len(identity) {
		return identity, fmt.Errorf("%q is not a log's identity: 64 hex digits, as `assent env` prints them", text)
	}
	copy(identity[:], data)
	return identity, nil
}

// String is the identity as 64 lower-case hex digits.
func (i Identity) String() string { return hex.EncodeToString(i[:]) }

// sha256Hex is the SHA-256 of data as 64 lower-case hex digits.
func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// commandMessage is what the signature of a command with this value covers.
func commandMessage(identity Identity, value []byte) []byte {
	sum := sha256.Sum256(value)
	return concat([]byte("assent.command.v1\x00"), identity[:], sum[:])
}

// headMessage is what the signature of a head with this value covers.
func headMessage(identity Identity, value []byte) []byte {
	sum := sha256.Sum256(value)
	return concat([]byte("assent.head.v1\x00"), identity[:], sum[:])
}

// sealMessage is what the seal of a record covers. The ledger is "ledger" or "governance".
func sealMessage(identity Identity, ledger string, partition int, seq int64, sum [32]byte, era string) []byte {
	var place [12]byte
	binary.BigEndian.PutUint32(place[:4], uint32(partition))
	binary.BigEndian.PutUint64(place[4:], uint64(seq))
	return concat(
		[]byte("assent.seal.v1\x00"), identity[:], []byte(ledger), []byte{0}, place[:], sum[:], []byte(era),
	)
}

// verify reports whether a signature is this public key's over the message.
func verify(publicKey, message, signature []byte) bool {
	return len(publicKey) == ed25519.PublicKeySize && ed25519.Verify(publicKey, message, signature)
}

func concat(parts ...[]byte) []byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}
