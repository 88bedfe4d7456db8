//go:build unix

package tree

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

var errLocked = errors.New("another process holds its lock")

// lockFile makes a file and locks it until it is closed or the process ends.
func lockFile(name string, wait bool) (*os.File, error) {
	made, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making a lock: %w", plainly(err))
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if err := syscall.Flock(int(made.Fd()), how); err != nil {
		_ = made.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("locking a file: %w", err)
	}
	return made, nil
}
