package predicate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// scanPredicate is cosign's vulnerability predicate, and in-toto's (vulns,
// v0.1 and v0.2): the same envelope around other results.
type scanPredicate struct {
	Scanner struct {
		URI      string `json:"uri"`
		Version  string `json:"version"`
		Database struct {
			Updated string `json:"lastUpdate"`
		} `json:"db"`
		Result json.RawMessage `json:"result"`
	} `json:"scanner"`
	Metadata struct {
		Started  string `json:"scanStartedOn"`
		Finished string `json:"scanFinishedOn"`
	} `json:"metadata"`
}

// scanFormat is how reports under a predicate type are read; nil for a type
// that is none of a report.
func scanFormat(predicateType string) func(reader, []byte) (scan, error) {
	switch {
	case predicateType == "https://cosign.sigstore.dev/attestation/vuln/v1",
		predicateType == "cosign.sigstore.dev/attestation/vuln/v1", // cosign before 2.0
		isType(predicateType, "https://in-toto.io/attestation/vulns"):
		return reader.scanPredicate
	case isType(predicateType, "https://docs.oasis-open.org/sarif"):
		return reader.sarif
	}
	return nil
}

// readScan reads the statement's report.
func (r reader) readScan(statement Statement) (scan, error) {
	format := scanFormat(statement.Type)
	if format == nil {
		return scan{}, fmt.Errorf("%s is no type of a scan", shorten(statement.Type))
	}
	document, err := r.unwrap(statement.Predicate)
	if err != nil {
		return scan{}, err
	}
	return format(r, document)
}

// scanPredicate reads the envelope and what is in it. The envelope's word on the
// scanner goes before the report's own; of two times the older counts, so that an
// old report does not become a new one by being attested again.
func (r reader) scanPredicate(data []byte) (scan, error) {
	var envelope scanPredicate
	if err := r.read(data, &envelope); err != nil {
		return scan{}, err
	}
	found, err := r.anyResult(envelope.Scanner.Result)
	if err != nil {
		return scan{}, fmt.Errorf("scanner.result: %w", err)
	}
	found.uris = append(found.uris, envelope.Scanner.URI)
	if found.scanner == "" {
		found.scanner = scannerName(envelope.Scanner.URI)
	}
	if envelope.Scanner.Version != "" {
		found.version = envelope.Scanner.Version
	}
	if found.version == "" {
		found.version = parsePURL(envelope.Scanner.URI).version
	}
	times := make(map[string]time.Time)
	for field, text := range map[string]string{
		"scanStartedOn": envelope.Metadata.Started, "scanFinishedOn": envelope.Metadata.Finished, "lastUpdate": envelope.Scanner.Database.Updated,
	} {
		if times[field], err = readTime(field, text); err != nil {
			return scan{}, err
		}
	}
	found.attested = times["scanFinishedOn"]
	if times["scanStartedOn"].After(cmp.Or(found.attested, found.ended)) {
		return scan{}, errors.New("it ended before it began")
	}
	found.ended, found.database = earlier(found.ended, found.attested), earlier(found.database, times["lastUpdate"])
	return found, nil
}

// earlier is the first of two times; one that is zero is none.
func earlier(one, other time.Time) time.Time {
	if one.IsZero() || !other.IsZero() && other.Before(one) {
		return other
	}
	return one
}

// anyResult reads a scanner's own report, or in-toto's list.
func (r reader) anyResult(data []byte) (scan, error) {
	switch data = bytes.TrimSpace(data); {
	case len(data) == 0 || string(data) == "null":
		return scan{}, errNoResult
	case data[0] == '[':
		return r.resultList(data)
	}
	return r.result(data)
}

// listedVulnerability is an item of in-toto's list. The text of v0.1 has it
// under vulnerability, its example does not.
type listedVulnerability struct {
	Inner    *listedVulnerability `json:"vulnerability"`
	ID       string               `json:"id"`
	Severity []struct {
		Method string `json:"method"`
		Score  string `json:"score"`
	} `json:"severity"`
}

// resultList reads in-toto's list; an empty one says that the scanner found
// nothing (in-toto attestation, predicate vulns, scanner.result).
func (r reader) resultList(data []byte) (scan, error) {
	var items []listedVulnerability
	if err := r.read(data, &items); err != nil {
		return scan{}, err
	}
	var found scan
	for _, item := range items {
		if item.Inner != nil {
			item = *item.Inner
		}
		if item.ID == "" {
			return scan{}, errors.New("a vulnerability has no id")
		}
		found.found = append(found.found, vulnerability{id: item.ID, severity: item.worst(), fixUnknown: true})
	}
	return found, r.count("vulnerabilities", len(found.found))
}

// worst is the worst severity that a method gives. A method that cannot be
// read, such as a CVSS vector, gives none.
func (v listedVulnerability) worst() string {
	worst := severityUnknown
	for _, each := range v.Severity {
		if severity, err := severityOf(each.Score); err == nil && severityRank(severity) < severityRank(worst) {
			worst = severity
		}
	}
	return worst
}

// scannerName is the tool's name in its URI: that of a package URL, else the
// last segment.
func scannerName(uri string) string {
	name := parsePURL(uri).name
	if name == "" {
		parts := strings.FieldsFunc(uri, func(r rune) bool { return r == '/' })
		if len(parts) == 0 {
			return ""
		}
		name, _, _ = strings.Cut(parts[len(parts)-1], "@")
	}
	return strings.ToLower(name)
}

// sortedUnique puts the worst first. One that several scanners found in the
// same package is there once, as the worst that one of them says.
func sortedUnique(found []vulnerability) []vulnerability {
	found = slices.Clone(found)
	slices.SortStableFunc(found, vulnerability.compare)
	type key struct{ id, name, version, purl string }
	seen := map[key]bool{}
	return slices.DeleteFunc(found, func(v vulnerability) bool {
		k := key{v.id, v.name, v.version, v.purl}
		twice := seen[k]
		seen[k] = true
		return twice
	})
}
