//go:build unix

package render

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// readQuietly opens a file without waiting: a named pipe would wait for its
// writer.
const readQuietly = os.O_RDONLY | syscall.O_NONBLOCK

// treeIdentity is what tells two folders apart.
func treeIdentity(root *os.Root) (device, inode uint64, err error) {
	info, err := root.Stat(".")
	if err != nil {
		return 0, 0, fmt.Errorf("reading the source tree: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, errors.New("reading the source tree: this system does not number its files")
	}
	return uint64(stat.Dev), stat.Ino, nil //nolint:unconvert // Dev is narrower on some systems
}
