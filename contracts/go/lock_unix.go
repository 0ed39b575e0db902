//go:build unix

package assent

import (
	"os"
	"syscall"
)

// lockFile locks a file until it is closed, or the process has ended. It does not wait for another's lock. It takes a
// lock of both kinds: the Java client can take only the second.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, err
	}
	whole := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &whole); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
