//go:build !linux || (!amd64 && !arm64)

package render

import (
	"errors"
	"runtime"
)

// enterSandbox refuses: without a filter for system calls a worker would be a
// promise that is not kept.
func enterSandbox(int64) error {
	return errors.New("isolated rendering needs Linux on amd64 or arm64, this is " + runtime.GOOS + "/" + runtime.GOARCH)
}
