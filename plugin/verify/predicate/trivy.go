package predicate

import (
	"errors"
	"fmt"
	"slices"
)

// trivyReport is what is read of trivy's JSON report (schema version 2).
type trivyReport struct {
	Schema    int    `json:"SchemaVersion"`
	CreatedAt string `json:"CreatedAt"`
	Type      string `json:"ArtifactType"`
	Name      string `json:"ArtifactName"`
	Trivy     struct {
		Version string `json:"Version"`
	} `json:"Trivy"`
	Metadata struct {
		Digests []string `json:"RepoDigests"`
	} `json:"Metadata"`
	Results []trivyResult `json:"Results"`
}

type trivyResult struct {
	Target string       `json:"Target"`
	Class  string       `json:"Class"`
	Found  []trivyFound `json:"Vulnerabilities"`
}

type trivyFound struct {
	ID         string   `json:"VulnerabilityID"`
	VendorIDs  []string `json:"VendorIDs"`
	Name       string   `json:"PkgName"`
	Version    string   `json:"InstalledVersion"`
	Fixed      string   `json:"FixedVersion"`
	Status     string   `json:"Status"`
	Severity   string   `json:"Severity"`
	Identifier struct {
		PURL string `json:"PURL"`
	} `json:"PkgIdentifier"`
}

// trivy reads trivy's report. Packages that were looked at are a result of
// their class even when nothing was found in them, so a report without any
// looked at nothing.
func (r reader) trivy(data []byte) (scan, error) {
	var report trivyReport
	if err := r.read(data, &report); err != nil {
		return scan{}, err
	}
	if known := 2; report.Schema != known {
		return scan{}, fmt.Errorf("its SchemaVersion is %d; %d is read", report.Schema, known)
	}
	if !slices.Contains([]string{"container_image", "cyclonedx", "spdx"}, report.Type) {
		return scan{}, fmt.Errorf("its ArtifactType is %q, so it is not of an image or of its bill of materials", shorten(report.Type))
	}
	ended, err := readTime("CreatedAt", report.CreatedAt)
	if err != nil {
		return scan{}, err
	}
	found := scan{scanner: "trivy", version: report.Trivy.Version, ended: ended}
	found.about(report.Metadata.Digests...)
	if len(found.digests) == 0 {
		found.about(report.Name)
	}
	looked := false
	for _, result := range report.Results {
		looked = looked || result.Class == "os-pkgs" || result.Class == "lang-pkgs"
		if err := found.addTrivy(r, result); err != nil {
			return scan{}, err
		}
	}
	if !looked {
		return scan{}, errors.New("it has no result about packages: nothing was scanned for vulnerabilities")
	}
	return found, nil
}

func (s *scan) addTrivy(r reader, result trivyResult) error {
	for _, each := range result.Found {
		severity, err := readSeverity(each.Severity)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", shorten(each.ID), err)
		case each.ID == "":
			return fmt.Errorf("a vulnerability in %s has no VulnerabilityID", shorten(each.Name))
		}
		s.found = append(s.found, vulnerability{
			id: each.ID, aliases: each.VendorIDs, name: each.Name, version: each.Version, purl: each.Identifier.PURL,
			severity: severity, fixed: each.Fixed, hasFix: each.Fixed != "" || each.Status == "fixed",
		})
	}
	return r.count("vulnerabilities", len(s.found))
}
