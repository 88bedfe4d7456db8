//go:build !linux

package render

import (
	"fmt"
	"os"
	"path/filepath"
)

// memory is not measured: on this system no worker starts.
func (p *process) memory() int64 { return 0 }

func treeLocation(root *os.Root) (string, error) {
	location, err := filepath.Abs(root.Name())
	if err != nil {
		return "", fmt.Errorf("finding the source tree: %w", err)
	}
	return location, nil
}
