//go:build !unix

package tree

import (
	"errors"
	"os"
)

var errLocked = errors.New("another process holds its lock")

// lockFile refuses: the controller runs on Linux, and folders of a process that
// runs must not be taken for those of one that ended.
func lockFile(string, bool) (*os.File, error) {
	return nil, errors.New("locks of files are not known on this system")
}
