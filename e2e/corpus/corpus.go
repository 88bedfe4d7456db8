// Package corpus finds the files of other projects' own tests, which assay's
// answers are compared with.
package corpus

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// Module is the folder of a published Go module ("path@version"), which is
// downloaded unless it is there. Its checksum ("h1:...") must be sum. Without
// the files there is nothing to compare with, so whoever asks fails.
func Module(ctx context.Context, release, sum string) (string, error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", release) //nolint:gosec // a constant of the caller's
	command.Dir = os.TempDir()                                                     // outside of this module, whose versions do not count
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("getting %s: %w: %s", release, err, out)
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", fmt.Errorf("getting %s: %w", release, err)
	}
	if module.Sum != sum {
		return "", fmt.Errorf("getting %s: its checksum is %q, want %q", release, module.Sum, sum)
	}
	return module.Dir, nil
}

// Document is one object of a file.
type Document struct {
	Fields map[string]any
	File   string
}

// Text is a field's text; empty when there is none.
func (d Document) Text(path ...string) string {
	at := d.Fields
	for _, key := range path[:len(path)-1] {
		at, _ = at[key].(map[string]any)
	}
	text, _ := at[path[len(path)-1]].(string)
	return text
}

// Kind is the object's kind.
func (d Document) Kind() string { return d.Text("kind") }
