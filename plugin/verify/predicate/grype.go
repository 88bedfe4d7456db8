package predicate

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// grypeReport is what is read of grype's JSON report.
type grypeReport struct {
	// Matches is nil when there is none, and empty when nothing was found.
	Matches *[]grypeMatch `json:"matches"`
	Source  struct {
		Type   string          `json:"type"`
		Target json.RawMessage `json:"target"`
	} `json:"source"`
	Descriptor struct {
		Name      string `json:"name"`
		Version   string `json:"version"`
		Timestamp string `json:"timestamp"`
		Database  struct {
			Built  string `json:"built"` // until 0.87
			Status struct {
				Built string `json:"built"`
			} `json:"status"`
		} `json:"db"`
	} `json:"descriptor"`
}

type grypeMatch struct {
	Vulnerability struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
		Fix      struct {
			Versions []string `json:"versions"`
			State    string   `json:"state"`
		} `json:"fix"`
	} `json:"vulnerability"`
	Related []struct {
		ID string `json:"id"`
	} `json:"relatedVulnerabilities"`
	Artifact struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
	} `json:"artifact"`
}

func (r reader) grype(data []byte) (scan, error) {
	var report grypeReport
	if err := r.read(data, &report); err != nil {
		return scan{}, err
	}
	switch {
	case report.Descriptor.Name != "grype":
		return scan{}, fmt.Errorf("its descriptor names %q, not grype", shorten(report.Descriptor.Name))
	case report.Matches == nil:
		return scan{}, errNoResult
	case report.Source.Type != "image":
		return scan{}, fmt.Errorf("its source is of the type %q, not image", shorten(report.Source.Type))
	}
	ended, err := readTime("descriptor.timestamp", report.Descriptor.Timestamp)
	if err != nil {
		return scan{}, err
	}
	built, err := readTime("descriptor.db", cmp.Or(report.Descriptor.Database.Status.Built, report.Descriptor.Database.Built))
	if err != nil {
		return scan{}, err
	}
	var image struct {
		UserInput string   `json:"userInput"`
		Manifest  string   `json:"manifestDigest"`
		Digests   []string `json:"repoDigests"`
	}
	if err := r.read(report.Source.Target, &image); err != nil {
		return scan{}, fmt.Errorf("source.target: %w", err)
	}
	found := scan{scanner: "grype", version: report.Descriptor.Version, ended: ended, database: built}
	found.about(image.Manifest)
	found.about(image.Digests...)
	if len(found.digests) == 0 {
		found.about(image.UserInput)
	}
	for _, match := range *report.Matches {
		if err := found.addGrype(match); err != nil {
			return scan{}, err
		}
	}
	return found, r.count("vulnerabilities", len(found.found))
}

func (s *scan) addGrype(match grypeMatch) error {
	severity, err := readSeverity(match.Vulnerability.Severity)
	if err != nil {
		return fmt.Errorf("%s: %w", shorten(match.Vulnerability.ID), err)
	}
	one := vulnerability{
		id: match.Vulnerability.ID, name: match.Artifact.Name, version: match.Artifact.Version, purl: match.Artifact.PURL,
		severity: severity, fixed: strings.Join(match.Vulnerability.Fix.Versions, ", "),
	}
	if one.id == "" {
		return errors.New("a match has no vulnerability.id")
	}
	one.hasFix = match.Vulnerability.Fix.State == "fixed" || one.fixed != ""
	for _, related := range match.Related {
		one.aliases = append(one.aliases, related.ID)
	}
	s.found = append(s.found, one)
	return nil
}
