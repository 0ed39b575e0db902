//go:build !unix

package assent

import (
	"errors"
	"os"
)

func lockFile(string) (*os.File, error) {
	return nil, errors.New("an applier needs a Unix: here nothing ends a lock with its process")
}
