package render

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// memory is the resident set in bytes; an unreadable one reads as zero, as the
// process has then ended.
func (p *process) memory() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// treeLocation is the absolute path of an open tree, whatever name it was
// opened by.
func treeLocation(root *os.Root) (string, error) {
	folder, err := root.Open(".")
	if err != nil {
		return "", fmt.Errorf("finding the source tree: %w", err)
	}
	defer func() { _ = folder.Close() }()
	location, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", folder.Fd()))
	if err != nil {
		return "", fmt.Errorf("finding the source tree: %w", err)
	}
	return location, nil
}
