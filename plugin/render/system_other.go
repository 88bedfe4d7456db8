//go:build !unix

package render

import (
	"errors"
	"os"
	"runtime"
)

// readQuietly opens a file; there are no named pipes in a folder here.
const readQuietly = os.O_RDONLY

// treeIdentity refuses: what tells two folders apart is for workers alone, and
// none starts on this system.
func treeIdentity(*os.Root) (device, inode uint64, err error) {
	return 0, 0, errors.New("isolated rendering needs Linux on amd64 or arm64, this is " + runtime.GOOS + "/" + runtime.GOARCH)
}
