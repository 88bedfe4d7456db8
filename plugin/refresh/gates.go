package refresh

import (
	"errors"
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin/gate"
)

// Files reads the gate's files again and again. A change counts once it has stood
// for the settle time: a gate that flaps, or that is written file by file, is not
// followed into each of its states. Files that do not load change nothing.
type Files struct {
	// Load reads the files.
	Load func() (*gate.Config, error)
	// Settle is how long a change has to stand.
	Settle time.Duration

	current, candidate *Gate
	since              time.Time
	changes            int
}

// Look reads the files at a time. It returns the gate that counts, nil before any
// was loaded, and why the files as they are now do not load.
func (f *Files) Look(now time.Time) (*Gate, error) {
	seen, err := f.read()
	switch {
	case err != nil:
		f.candidate = nil // what comes after it has to stand anew
		return f.current, fmt.Errorf("reading the gate: %w", err)
	case f.current == nil:
		f.current = seen
	case seen.Digest == f.current.Digest:
		f.candidate = nil
	case f.candidate == nil || f.candidate.Digest != seen.Digest:
		f.candidate, f.since = seen, now
	}
	if f.candidate != nil && now.Sub(f.since) >= f.Settle {
		f.current, f.candidate = f.candidate, nil
		f.changes++
	}
	return f.current, nil
}

// Settling reports whether a change waits until it has stood long enough.
func (f *Files) Settling() bool { return f.candidate != nil }

func (f *Files) read() (*Gate, error) {
	config, err := f.Load()
	if err != nil {
		return nil, err
	}
	if config == nil || len(config.Gates) == 0 {
		return nil, errors.New("it holds no gate")
	}
	digest, err := config.Digest()
	if err != nil {
		return nil, err
	}
	digests, err := config.Digests()
	if err != nil {
		return nil, err
	}
	return &Gate{Config: config, Digest: digest, For: digests.For}, nil
}
