package assent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// The parts of a change in hand. A change is in hand as long as its first part is there.
const (
	partChange = "change" // the released change, as it was read and compared with the ledger
	partClaim  = "claim"  // the claim's bytes, written before they are sent
	partBegun  = "begun"  // from here on the change may have been applied
	partReport = "report" // the outcome's bytes, written before they are sent
)

// journal is what an applier remembers across a crash, in the files that the Python client wrote before it had one file:
// <request>.<part>, and the heads of the ledger that it has gone by. Each file is written beside its place, synced
// and renamed: it is there as a whole or not at all. Each log has a folder of its own.
type journal struct {
	folder string
	lock   *os.File
}

func openJournal(folder string, identity Identity) (*journal, error) {
	j := &journal{folder: filepath.Join(folder, identity.String()[:16])}
	if err := os.MkdirAll(j.folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	var err error
	if j.lock, err = lockFile(filepath.Join(j.folder, "lock")); err != nil {
		return nil, fmt.Errorf("%s is in use by another applier, or cannot be locked: give each applier a state folder"+
			" of its own: %w", folder, err)
	}
	if _, err := os.Stat(filepath.Join(j.folder, "journal")); err == nil {
		j.close()
		return nil, fmt.Errorf("%s has the journal of the Python client, which this one cannot read: give this one a state"+
			" folder of its own", folder)
	}
	owner, err := os.ReadFile(filepath.Join(j.folder, "identity"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = writeDurably(filepath.Join(j.folder, "identity"), []byte(identity.String()))
	case err == nil && string(owner) != identity.String():
		err = fmt.Errorf("%s belongs to another log: give this one a state folder of its own", folder)
	}
	if err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

func (j *journal) close() { _ = j.lock.Close() }

func (j *journal) path(request, part string) string {
	return filepath.Join(j.folder, request+"."+part)
}

// entries is the requests in hand. What is left over of others is removed.
func (j *journal) entries() ([]string, error) {
	files, err := os.ReadDir(j.folder)
	if err != nil {
		return nil, fmt.Errorf("read the state folder: %w", err)
	}
	var requests []string
	held := map[string]bool{}
	for _, file := range files {
		request, isChange := strings.CutSuffix(file.Name(), "."+partChange)
		if _, _, ok := parseRequestID(request); isChange && ok {
			requests = append(requests, request)
			held[request] = true
		}
	}
	for _, file := range files {
		request, part, _ := strings.Cut(file.Name(), ".")
		if _, _, ok := parseRequestID(request); ok && !held[request] && isPart(part) {
			_ = os.Remove(filepath.Join(j.folder, file.Name()))
		}
	}
	sort.Strings(requests)
	return requests, nil
}

func isPart(name string) bool {
	return name == partClaim || name == partBegun || name == partReport
}

// begin takes a change in hand.
func (j *journal) begin(change Change) error {
	return j.write(change.Request, partChange, change.raw)
}

func (j *journal) change(request string) (Change, error) {
	value, err := os.ReadFile(j.path(request, partChange))
	if err != nil {
		return Change{}, fmt.Errorf("read the journal: %w", err)
	}
	change, err := readChange(value)
	if err != nil {
		return Change{}, fmt.Errorf("read %s: %w", j.path(request, partChange), err)
	}
	return change, nil
}

// read returns a part, or nil if it was not written.
func (j *journal) read(request, part string) ([]byte, error) {
	value, err := os.ReadFile(j.path(request, part))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	if value == nil {
		value = []byte{}
	}
	return value, nil
}

func (j *journal) write(request, part string, value []byte) error {
	return writeDurably(j.path(request, part), value)
}

func (j *journal) forget(request, part string) error {
	if err := os.Remove(j.path(request, part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// drop ends an entry. Its first part goes first: the rest is then left over.
func (j *journal) drop(request string) error {
	var err error
	for _, part := range []string{partChange, partClaim, partBegun, partReport} {
		err = errors.Join(err, j.forget(request, part))
	}
	return err
}

// keptHead is how far a partition was read, and in which era of the log.
type keptHead struct {
	Head struct {
		Seq        int64  `json:"seq"`
		SHA256     string `json:"value_sha256"`
		Governance int64  `json:"governance"`
		NextOffset int64  `json:"next_offset"`
	} `json:"head"`
	Era string `json:"era"`
}

func (j *journal) heads() (map[int]keptHead, error) {
	value, err := os.ReadFile(filepath.Join(j.folder, "heads"))
	if errors.Is(err, fs.ErrNotExist) {
		return map[int]keptHead{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	var heads map[int]keptHead
	if err := json.Unmarshal(value, &heads); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(j.folder, "heads"), err)
	}
	return heads, nil
}

func (j *journal) keepHeads(heads map[int]keptHead) error {
	value, err := json.Marshal(heads)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return writeDurably(filepath.Join(j.folder, "heads"), value)
}

// writeDurably replaces a file as a whole: on return it holds the value, after a power cut too.
func writeDurably(path string, value []byte) error {
	fresh := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	_, err = file.Write(value)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(fresh, path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
