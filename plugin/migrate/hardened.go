package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/setup"
)

// Hardened is what assay adds to one source that renders the same both ways.
type Hardened struct {
	// Application is its namespace and name; Origin is where it is defined, and
	// Path the folder or the chart of the source.
	Application string
	Origin      plugin.Origin
	Path        string
	// Verdict has the images, with digests as far as somebody was asked, and what
	// was filled in.
	Verdict *plugin.Verdict
}

// Unasked says what gates fill in where no registry is asked. Its verdict is no
// answer; a finding in it that blocks says why nothing is known.
func Unasked(ctx context.Context, s *setup.Setup, source plugin.Source, rendering plugin.Rendering) *plugin.Verdict {
	filled, err := s.FillUnasked(ctx, source, rendering)
	if err != nil {
		return s.Refused(source, err)
	}
	verdict := &plugin.Verdict{Application: source.Application, Path: source.Path, Images: filled.Images, Findings: filled.Findings, Objects: len(filled.Before)}
	if filled.Done {
		// What has no answer is what was not asked.
		verdict.Findings = slices.DeleteFunc(filled.Changes, func(f plugin.Finding) bool { return f.Level.Blocks() })
	}
	return verdict
}

// harden says what assay adds, apart from the proof: whatever it is, the source
// is proven.
func (m *mover) harden(ctx context.Context, c comparison, moved rendered, out answer) (answer, error) {
	if m.Harden == nil {
		return out, nil
	}
	verdict := m.Harden(ctx, moved.source, moved.Rendering)
	if err := context.Cause(ctx); err != nil {
		return out, fmt.Errorf("looking at what is added to %s: %w", moved.source.Path, err)
	}
	hardened := Hardened{Application: c.native.Name, Origin: c.native.Origin, Path: c.native.Parts[c.part].Path, Verdict: verdict}
	if c.native.Namespace != "" {
		hardened.Application = c.native.Namespace + "/" + c.native.Name
	}
	if chart := c.native.Parts[c.part].Chart; chart != nil {
		hardened.Path = "chart " + chart.Name
	}
	out.hardened = &hardened
	return out, nil
}
