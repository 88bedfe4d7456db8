package answers

import (
	"fmt"
	"os"
	"strings"
)

// parityPage is read from the folder of an oracle's tests.
const parityPage = "../../../docs/parity.md"

// Listed reports whether docs/parity.md has a row for the difference.
func Listed(difference string) error {
	page, err := os.ReadFile(parityPage)
	if err != nil {
		return fmt.Errorf("reading the list of differences: %w", err)
	}
	if !strings.Contains(string(page), "\n| "+difference+" |") {
		return fmt.Errorf("docs/parity.md has no row for the difference %q", difference)
	}
	return nil
}
