package assent

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key is a private key with its id and the principal that it signs for.
type Key struct {
	ID        string
	Principal string

	secret ed25519.PrivateKey
}

// NewKey makes a new random key. It counts once it is registered in governance.
func NewKey(id, principal string) (*Key, error) {
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &Key{ID: id, Principal: principal, secret: secret}, nil
}

// KeyFromSeed is the key of a seed of 32 bytes.
func KeyFromSeed(id, principal string, seed []byte) (*Key, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("a seed has %d bytes, not %d", ed25519.SeedSize, len(seed))
	}
	return &Key{ID: id, Principal: principal, secret: ed25519.NewKeyFromSeed(seed)}, nil
}

// LoadKey reads a key file, as the `assent` command, the Python client and Save write it.
func LoadKey(path string) (*Key, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no key file %s: put it back from a copy, or make another with `assent keys new`,"+
			" which counts once it is registered: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	// Not the error's own text: it may quote the secret.
	bad := fmt.Errorf("%s is not a key file: it holds one JSON object with id, principal and secret", path)
	object, err := readObject(content)
	if err != nil || len(object) != 3 {
		return nil, bad
	}
	id, okID := object.text("id")
	principal, okPrincipal := object.text("principal")
	secret, okSecret := object.text("secret")
	seed, err := fromBase64URL(secret)
	if !okID || !okPrincipal || !okSecret || err != nil || len(seed) != ed25519.SeedSize {
		return nil, bad
	}
	return KeyFromSeed(id, principal, seed)
}

// Save writes the key file, readable by its owner only. It refuses to replace a file that exists.
func (k *Key) Save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("save the key: %w", err)
	}
	content, err := encodeObject(
		field{"id", k.ID}, field{"principal", k.Principal}, field{"secret", toBase64URL(k.secret.Seed())},
	)
	if err != nil {
		return fmt.Errorf("save the key: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("save the key: %w", err)
	}
	_, err = file.Write(append(content, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}

// Public is the public key in base64url, as governance registers it.
func (k *Key) Public() string {
	return toBase64URL(k.secret.Public().(ed25519.PublicKey))
}

// Sign returns the signature, in base64url, of a command with exactly these bytes as its value. It is good in
// the log with this identity only.
func (k *Key) Sign(identity Identity, value []byte) string {
	return toBase64URL(ed25519.Sign(k.secret, commandMessage(identity, value)))
}

// String is the key without its secret.
func (k *Key) String() string { return fmt.Sprintf("Key(%s, %s)", k.ID, k.Principal) }

// GoString keeps the secret out of %#v too.
func (k *Key) GoString() string { return k.String() }
