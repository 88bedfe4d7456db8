package predicate

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Vulnerability is one that an attested scan lists, for people.
type Vulnerability struct {
	ID string
	// Severity is one of gate.Severities, or "UNKNOWN".
	Severity string
	// Package is its name; empty when the scan does not say.
	Package string
	// Fixed lists the versions with a fix; empty when there is none, or when the
	// scan does not say.
	Fixed string
}

// Scanned is what the scans among an image's evidence list, the worst first: of
// each scanner the newest. It is false when there is none that can be read,
// which is not a scan that found nothing. It decides nothing.
func Scanned(evidence []plugin.Evidence, limits plugin.Limits) ([]Vulnerability, bool) {
	newest := map[string]report{}
	for _, each := range evidence {
		claims := each.Claims()
		if scanFormat(claims.PredicateType) == nil {
			continue
		}
		var statement struct {
			Predicate json.RawMessage `json:"predicate"`
		}
		if err := json.Unmarshal(each.Payload(), &statement); err != nil {
			continue
		}
		found, err := reader{limits}.readScan(Statement{Type: claims.PredicateType, Predicate: statement.Predicate, Claims: claims})
		if err != nil {
			continue
		}
		newest[found.scanner] = newest[found.scanner].or(report{scan: found})
	}
	var all []vulnerability
	for _, scanner := range slices.Sorted(maps.Keys(newest)) {
		all = append(all, newest[scanner].found...)
	}
	var out []Vulnerability
	for _, each := range sortedUnique(all) {
		out = append(out, Vulnerability{
			ID: shorten(each.id), Severity: each.severity, Package: shorten(strings.TrimSpace(each.name)), Fixed: shorten(each.fixed),
		})
	}
	return out, len(newest) > 0
}
