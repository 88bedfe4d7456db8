package report

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// WriteError writes why a program ended, for a person. What the error quotes
// may have been written by an attacker, so that no line of it steers the
// terminal.
func WriteError(w io.Writer, program string, err error) {
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = program + ": " + line
		}
		fmt.Fprintln(w, neutral(line))
	}
	var stage *plugin.StageError
	if errors.As(err, &stage) && stage.Hint != "" {
		fmt.Fprintln(w, "  "+neutral(stage.Hint))
	}
}

// Version is the running program's: what the linker was told, else the
// module's, which `go install ...@version` records.
func Version(linked string) string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
