//go:build unix

package facts

import (
	"os"
	"syscall"
)

// openFile does not wait for the other end of a pipe, and follows no link.
func openFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
}

// ownedByOthers reports whether another user than this one and root owns a file.
func ownedByOthers(info os.FileInfo) bool {
	system, known := info.Sys().(*syscall.Stat_t)
	return known && system.Uid != 0 && int(system.Uid) != os.Geteuid()
}
