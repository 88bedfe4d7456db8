package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// LockFile is the name of the lock file beside the application.
const LockFile = "images.lock.yaml"

// lockVersion and lockKind head the file.
const (
	lockVersion = "assay.dev/v1alpha1"
	lockKind    = "ImagesLock"
)

// Lock is the content of images.lock.yaml: a claim by the application's
// repository, which decides digests and nothing else.
type Lock struct {
	Images []LockedImage
	Charts []LockedChart
}

// LockedImage says which digest stands for one tag.
type LockedImage struct {
	// Image is repository:tag in normal form, see [Reference.Tagged].
	Image string
	// Digest is "sha256:<hex>" of the manifest or index.
	Digest string
}

// LockedChart says which content a chart dependency has.
type LockedChart struct {
	// Chart is the repository's URL and the chart's name:
	// https://charts.example.com/redis, oci://registry.example.com/charts/redis.
	Chart string
	// Version is exact.
	Version string
	// Digest is "sha256:<hex>" of the archive.
	Digest string
}

// Digest is the locked digest of exactly this repository and tag. A nil lock
// has none.
func (l *Lock) Digest(reference Reference) (string, bool) {
	if l == nil || reference.Tag == "" {
		return "", false
	}
	image := reference.Tagged()
	for _, entry := range l.Images {
		if entry.Image == image {
			return entry.Digest, true
		}
	}
	return "", false
}

func (l *Lock) byImage() map[string]string {
	entries := map[string]string{}
	if l != nil {
		for _, entry := range l.Images {
			entries[entry.Image] = entry.Digest
		}
	}
	return entries
}

// ChartDigest is the locked digest of one version of a chart. A nil lock has
// none.
func (l *Lock) ChartDigest(chart, version string) (string, bool) {
	if l == nil {
		return "", false
	}
	for _, entry := range l.Charts {
		if entry.Chart == chart && entry.Version == version {
			return entry.Digest, true
		}
	}
	return "", false
}

// ReadLock reads the lock file beside the application. It returns nil when
// there is none. Errors are *Refusal (lock/invalid, with the line) for a file
// that is broken, too large, or no regular file. FileBytes of zero is the
// default of [LimitTable].
func ReadLock(source Source, fileBytes int64) (*Lock, error) {
	if source.Rendered != nil || source.Root == nil {
		return nil, nil
	}
	if fileBytes == 0 {
		fileBytes = DefaultLimits().FileBytes
	}
	file := lockPath(source)
	data, err := readBounded(source.Root, file, fileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var lock *Lock
	if err == nil {
		lock, err = ParseLock(data)
	}
	if err == nil {
		return lock, nil
	}
	refusal := &Refusal{
		Rule: "lock/invalid", Origin: Origin{File: file}, Message: "the lock file cannot be used", Cause: err,
		Why:  "a lock that is half understood would pin half of what its author meant",
		Hint: "write it anew with assay lock",
	}
	var at *lockError
	if errors.As(err, &at) {
		refusal.Origin.Line = at.line
	}
	return nil, refusal
}

// lockPath is the file's path in the tree: beside the application, which may
// be one file.
func lockPath(source Source) string {
	folder := path.Clean(cmp.Or(source.Path, "."))
	if info, err := source.Root.Stat(folder); err == nil && !info.IsDir() {
		folder = path.Dir(folder)
	}
	return path.Join(folder, LockFile)
}

func readBounded(root *os.Root, name string, limit int64) ([]byte, error) {
	info, err := root.Stat(name) // before opening: a named pipe would block
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: it is not a regular file", name)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading %s: it is larger than the limit fileBytes of %d bytes", name, limit)
	}
	return data, nil
}

// Format writes the lock file: sorted, one way only. It refuses entries that
// [ParseLock] would refuse.
func (l Lock) Format() ([]byte, error) {
	images, charts := slices.Clone(l.Images), slices.Clone(l.Charts)
	slices.SortFunc(images, func(a, b LockedImage) int { return cmp.Compare(a.Image, b.Image) })
	slices.SortFunc(charts, func(a, b LockedChart) int {
		return cmp.Or(cmp.Compare(a.Chart, b.Chart), cmp.Compare(a.Version, b.Version))
	})
	var out strings.Builder
	fmt.Fprintf(&out, "# Written by assay lock. Which digest stands for which tag; review changes as you review code.\n")
	fmt.Fprintf(&out, "apiVersion: %s\nkind: %s\n", lockVersion, lockKind)
	if len(images) == 0 {
		out.WriteString("images: []\n")
	} else {
		out.WriteString("images:\n")
	}
	for _, entry := range images {
		fmt.Fprintf(&out, "- image: %q\n  digest: %s\n", entry.Image, entry.Digest)
	}
	if len(charts) > 0 {
		out.WriteString("charts:\n")
	}
	for _, entry := range charts {
		fmt.Fprintf(&out, "- chart: %q\n  version: %q\n  digest: %s\n", entry.Chart, entry.Version, entry.Digest)
	}
	back, err := ParseLock([]byte(out.String()))
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", LockFile, err)
	}
	if !slices.Equal(back.Images, images) || !slices.Equal(back.Charts, charts) {
		return nil, fmt.Errorf("writing %s: an entry holds text that YAML cannot hold", LockFile)
	}
	return []byte(out.String()), nil
}

// lockError is a problem of the lock file at a line.
type lockError struct {
	line int
	text string
}

func (e *lockError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

func lockErrorf(node *yaml.Node, format string, args ...any) error {
	return &lockError{line: node.Line, text: fmt.Sprintf(format, args...)}
}
