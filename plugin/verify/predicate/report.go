package predicate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin/gate"
)

// severityUnknown is a vulnerability that nobody has rated.
const severityUnknown = "UNKNOWN"

// vulnerability is one that a scanner found in one package.
type vulnerability struct {
	id string
	// aliases are other names for the same, such as the CVE of a GHSA.
	aliases             []string
	name, version, purl string
	severity            string // of gate.Severities, or severityUnknown
	fixed               string // versions with a fix, for messages
	hasFix, fixUnknown  bool
}

// String is "CVE-2024-1 in openssl 3.0.1 (fixed in 3.0.2)".
func (v vulnerability) String() string {
	text := shorten(v.id)
	if v.name != "" {
		text += " in " + shorten(strings.TrimSpace(v.name+" "+v.version))
	}
	if v.fixed != "" {
		text += " (fixed in " + shorten(v.fixed) + ")"
	}
	return text
}

// compare puts the worst first.
func (v vulnerability) compare(other vulnerability) int {
	return cmp.Or(
		cmp.Compare(severityRank(v.severity), severityRank(other.severity)), cmp.Compare(v.id, other.id),
		cmp.Compare(v.name, other.name), cmp.Compare(v.version, other.version), cmp.Compare(v.purl, other.purl),
	)
}

// severityRank is 0 for the worst; what is not known comes last.
func severityRank(severity string) int {
	if at := slices.Index(gate.Severities(), severity); at >= 0 {
		return at
	}
	return len(gate.Severities())
}

// readSeverity understands the words of the scanners that are read, in any
// case. Another word is an error: it could mean anything.
func readSeverity(word string) (string, error) {
	switch upper := strings.ToUpper(strings.TrimSpace(word)); upper {
	case "CRITICAL", "HIGH", "MEDIUM", "LOW", "NEGLIGIBLE":
		return upper, nil
	case "IMPORTANT":
		return "HIGH", nil
	case "MODERATE":
		return "MEDIUM", nil
	case "NONE":
		return "NEGLIGIBLE", nil
	case severityUnknown, "":
		return severityUnknown, nil
	}
	return "", fmt.Errorf("the severity %q is not known", shorten(word))
}

// scoredSeverity is the severity of a CVSS base score (CVSS v3.1, section 5).
func scoredSeverity(score float64) (string, error) {
	const critical, high, medium, highest = 9.0, 7.0, 4.0, 10.0
	switch {
	case score < 0 || score > highest || score != score: // not a number
		return "", fmt.Errorf("the score %v is not between 0 and 10", score)
	case score >= critical:
		return "CRITICAL", nil
	case score >= high:
		return "HIGH", nil
	case score >= medium:
		return "MEDIUM", nil
	case score > 0:
		return "LOW", nil
	}
	return "NEGLIGIBLE", nil
}

// severityOf reads a number or a word.
func severityOf(text string) (string, error) {
	if score, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
		return scoredSeverity(score)
	}
	return readSeverity(text)
}

// scan is a scanner's report, whatever its format.
type scan struct {
	// scanner is the tool's name in small letters; uris are other names of it.
	scanner string
	uris    []string
	version string
	// ended is when the scan did; of two times that are given the older.
	ended time.Time
	// attested is the envelope's word on it; zero when it has none.
	attested time.Time
	// database is when the scanner's database was last updated; zero when the
	// report does not say.
	database time.Time
	// digests are those by which the report names the image.
	digests []string
	found   []vulnerability
}

// String names the report in messages.
func (s scan) String() string {
	return strings.TrimSpace(fmt.Sprintf("scan by %s of %s", shorten(strings.TrimSpace(s.scanner+" "+s.version)), stamp(s.ended)))
}

// about notes a digest, or the digest of a reference.
func (s *scan) about(texts ...string) {
	for _, text := range texts {
		for _, digest := range []string{text, digestOf(text)} {
			if isDigest(digest) {
				s.digests = append(s.digests, digest)
			}
		}
	}
}

// result is what a scanner's own report gives. Formats are told apart by the
// fields that only they have.
type resultFormat struct {
	name string
	// has are the fields that are all there.
	has  []string
	read func(reader, []byte) (scan, error)
}

// resultFormats are the reports that are read: one a file.
func resultFormats() []resultFormat {
	return []resultFormat{
		{"Trivy's report", []string{"SchemaVersion", "ArtifactType"}, reader.trivy},
		{"Grype's report", []string{"matches", "descriptor"}, reader.grype},
		{"SARIF", []string{"runs", "version"}, reader.sarif},
	}
}

// errNoResult is a report without a result, which is not a result without
// vulnerabilities.
var errNoResult = errors.New("it has no result, which is not a result without vulnerabilities")

// result reads a scanner's report in any of the formats.
func (r reader) result(data []byte) (scan, error) {
	var fields map[string]any
	if err := r.read(data, &fields); err != nil {
		return scan{}, err
	}
	if len(fields) == 0 {
		return scan{}, errNoResult
	}
	var names []string
	for _, format := range resultFormats() {
		names = append(names, format.name)
		isThere := func(name string) bool { _, is := fields[name]; return is }
		if !slices.ContainsFunc(format.has, func(name string) bool { return !isThere(name) }) {
			return format.read(r, data)
		}
	}
	return scan{}, fmt.Errorf("its result is of no format that is read: %s", strings.Join(names, ", "))
}
