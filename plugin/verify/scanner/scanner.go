// Package scanner runs the user's own vulnerability scanner, on the command
// line. The doors have none: a scanner there would run beside their credentials,
// reach the network on its own, and take minutes. A test of cmd/assay says that
// nothing but check asks for one.
//
// What it prints is untrusted until plugin/verify/predicate has read it, and
// signed by nobody ever.
package scanner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// deadline bounds the scan of one image; the first one may fetch a database.
const deadline = 10 * time.Minute

// afterKill is how long pipes are kept open for processes that the scanner
// left behind.
const afterKill = 2 * time.Second

// tool is how one scanner is called: it prints its JSON report about the image
// behind the arguments on standard output.
type tool struct {
	name string
	args func(reference string) []string
}

// tools are those that can be called, by name.
func tools() []tool {
	return []tool{
		{"trivy", func(reference string) []string {
			return []string{"image", "--quiet", "--format", "json", "--scanners", "vuln", "--image-src", "remote", "--exit-code", "0", "--", reference}
		}},
		{"grype", func(reference string) []string {
			return []string{"--quiet", "--output", "json", "--", "registry:" + reference}
		}},
	}
}

// Names are the scanners that can be called.
func Names() []string {
	var names []string
	for _, each := range tools() {
		names = append(names, each.name)
	}
	return names
}

// Scanner is the user's scanner. It scans one image at a time: scanners lock
// their caches.
type Scanner struct {
	tool
	path  string
	limit int64
	mu    sync.Mutex
	// scanned are the answers so far: several gates ask about one image.
	scanned map[string]answer
}

type answer struct {
	report []byte
	err    error
}

// Find looks a scanner up on the user's PATH. Reports above limit bytes are
// refused.
func Find(name string, limit int64) (*Scanner, error) {
	at := slices.IndexFunc(tools(), func(each tool) bool { return each.name == name })
	if at < 0 {
		return nil, fmt.Errorf("scanning by %q: it is none of %s", name, strings.Join(Names(), ", "))
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, &plugin.StageError{Stage: "scan", Subject: name, Lasting: true, Cause: fmt.Errorf("looking for it on the PATH: %w", err), Hint: "install " + name + ", or leave --scan out"}
	}
	return &Scanner{tool: tools()[at], path: path, limit: limit, scanned: map[string]answer{}}, nil
}

// Name is the scanner's.
func (s *Scanner) Name() string { return s.name }

// Scan runs the scanner on an image, which is named by its digest, and returns
// its report; about each image once. No shell is involved, and the scanner runs in an empty folder: one
// in the application's tree would read ignore files from there. An error is no
// answer.
func (s *Scanner) Scan(ctx context.Context, repository, digest string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reference := repository + "@" + digest
	known, is := s.scanned[reference]
	if !is {
		known.report, known.err = s.scan(ctx, reference)
		s.scanned[reference] = known
	}
	return known.report, known.err
}

func (s *Scanner) scan(ctx context.Context, reference string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, deadline, fmt.Errorf("it took more than %s", deadline))
	defer cancel()
	folder, err := os.MkdirTemp("", "assay-scan-")
	if err != nil {
		return nil, fmt.Errorf("scanning by %s: %w", s.name, err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // empty, in the folder of temporary files
	report, err := s.run(ctx, folder, s.args(reference))
	if err != nil {
		return nil, fmt.Errorf("scanning by %s: %w", s.name, err)
	}
	return report, nil
}

func (s *Scanner) run(ctx context.Context, folder string, args []string) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	report := &bounded{limit: s.limit, full: func() {
		stop(fmt.Errorf("it printed more than %d bytes (limit bundleBytes)", s.limit))
	}}
	told := &bounded{limit: toldBytes}
	command := exec.CommandContext(ctx, s.path, args...) //nolint:gosec // a known scanner from the user's PATH, and an image by digest
	command.Dir, command.WaitDelay = folder, afterKill
	command.Stdout, command.Stderr = report, told
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("it did not end well: %w%s", err, told.lastLine())
	case len(bytes.TrimSpace(report.kept.Bytes())) == 0:
		return nil, errors.New("it printed nothing")
	}
	return report.kept.Bytes(), nil
}

// toldBytes is how much is kept of what the scanner says beside its report.
const toldBytes = 64 << 10

// bounded keeps what is written up to its limit, and tells when there is more.
// The buffer is a field: embedded, it would be read into past the limit.
type bounded struct {
	kept  bytes.Buffer
	limit int64
	full  func()
}

func (b *bounded) Write(data []byte) (int, error) {
	if room := b.limit - int64(b.kept.Len()); int64(len(data)) > room {
		b.kept.Write(data[:max(room, 0)])
		if b.full != nil {
			b.full()
		}
		return len(data), nil
	}
	return b.kept.Write(data)
}

// lastLine is the last thing that was said, fit for a message.
func (b *bounded) lastLine() string {
	const longest = 300
	lines := strings.Split(strings.TrimSpace(b.kept.String()), "\n")
	last := strings.ToValidUTF8(strings.TrimSpace(lines[len(lines)-1]), "")
	if last == "" {
		return ""
	}
	return ": " + plugin.RedactText(last[:min(len(last), longest)])
}
