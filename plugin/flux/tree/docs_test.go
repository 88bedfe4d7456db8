package tree

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestDocs_SayTheLimits that hold.
func TestDocs_SayTheLimits(t *testing.T) {
	page, err := os.ReadFile("../../../docs/flux.md")
	check(t, err)
	limits := DefaultLimits()
	want := fmt.Sprintf("at most %d,000 files and folders, %d MiB packed, %d GiB unpacked and %d times its packed length (beyond %d MiB); all that is fetched takes at most %d GiB",
		limits.Files/1000, limits.PackedBytes>>20, limits.UnpackedBytes>>30, limits.Ratio, smallBytes>>20, limits.StoreBytes>>30)
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/flux.md should say %q", want)
	}
}
