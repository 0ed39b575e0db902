package assent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeyFileIsWrittenOnceAndReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "alice.key")
	key, err := NewKey("alice-key", "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Save(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	read, err := LoadKey(path)
	if err != nil || read.Public() != key.Public() || read.ID != "alice-key" || read.Principal != "alice" {
		t.Fatal(read, err)
	}
	if err := key.Save(path); err == nil {
		t.Fatal("a key was replaced")
	}
}

func TestKeyFileThatIsNoneSaysWhatToDo(t *testing.T) {
	folder := t.TempDir()
	if _, err := LoadKey(filepath.Join(folder, "none")); err == nil || !strings.Contains(err.Error(), "assent keys new") {
		t.Fatal(err)
	}
	for _, content := range []string{
		"", "{}", `{"id":"a","principal":"b","secret":"SECRET"}`, `{"id":"a","principal":"b","secret":1}`,
		`{"id":"a","principal":"b","secret":"` + strings.Repeat("A", 43) + `","more":1}`,
	} {
		path := filepath.Join(folder, "bad")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadKey(path)
		if err == nil || !strings.Contains(err.Error(), "is not a key file") || strings.Contains(err.Error(), "SECRET") {
			t.Fatalf("%q: %v", content, err)
		}
	}
}

func TestKeyIsPrintedWithoutItsSecret(t *testing.T) {
	key := testKey(t, "a-key", "a")
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(form, key); text != "Key(a-key, a)" {
			t.Errorf("%s: %s", form, text)
		}
	}
}
