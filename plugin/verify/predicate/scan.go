package predicate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// ruleVulnerable: a scan found what a gate denies.
const ruleVulnerable = "evidence/vulnerability"

// Scan asks for a scanner's report and judges what it found. Of each scanner the
// newest accepted report counts, and what any of them found is in the image.
type Scan struct {
	reader
	declared gate.Scan
	deny     []string
	scanners []acceptedScanner
	vex      *exploitability
}

type acceptedScanner struct {
	name    glob
	minimum *version
}

// NewScan compiles the demand; vex is nil when nobody's word takes a
// vulnerability out.
func NewScan(declared gate.Scan, vex *gate.VEX, limits plugin.Limits) (*Scan, error) {
	compiled := &Scan{reader: reader{limits}, declared: declared, deny: declared.Deny}
	if declared.Deny == nil {
		compiled.deny = []string{"CRITICAL", "HIGH"}
	}
	for _, severity := range compiled.deny {
		if !slices.Contains(gate.Severities(), severity) {
			return nil, fmt.Errorf("scan.deny: %q is no severity; write %s", severity, strings.Join(gate.Severities(), ", "))
		}
	}
	if len(compiled.deny) == 0 {
		return nil, errors.New("scan.deny: it is empty, so nothing would be denied")
	}
	for _, each := range declared.Scanners {
		one := acceptedScanner{name: newGlob(each.Name)}
		if each.MinVersion != "" {
			minimum, ok := parseVersion(each.MinVersion)
			if !ok {
				return nil, fmt.Errorf("scan.scanners: minVersion %q of %s is no version that can be compared", each.MinVersion, each.Name)
			}
			one.minimum = &minimum
		}
		compiled.scanners = append(compiled.scanners, one)
	}
	if vex != nil {
		compiled.vex = &exploitability{reader{limits}, *vex}
	}
	return compiled, nil
}

// Reads implements [Demand].
func (s *Scan) Reads(predicateType string) bool {
	return scanFormat(predicateType) != nil || s.vex != nil && isVEX(predicateType)
}

// Judge implements [Demand].
func (s *Scan) Judge(ctx context.Context, subject Subject, statements []Statement) Answer {
	var answer Answer
	newest := map[string]report{}
	for _, statement := range statements {
		if scanFormat(statement.Type) == nil || statement.Witness {
			continue
		}
		found, err := s.accept(ctx, subject, statement)
		var unseen *unseenError
		switch {
		case errors.As(err, &unseen):
			answer.Unseen = append(answer.Unseen, statement.Label+": "+err.Error())
		case err != nil:
			answer.Reasons = append(answer.Reasons, statement.Label+": "+err.Error())
		default:
			newest[found.scanner] = newest[found.scanner].or(report{found, []plugin.Claims{statement.Claims}})
		}
	}
	var all scanned
	var met []plugin.Claims
	for _, scanner := range slices.Sorted(maps.Keys(newest)) {
		all.add(newest[scanner].scan, newest[scanner].String())
		met = append(met, newest[scanner].claims...)
	}
	local := s.scanLocally(ctx, subject, &answer)
	if local.scanner != "" {
		all.add(local, local.String()+", your own, signed by nobody")
	}
	if len(all.by) == 0 {
		return answer
	}
	all.found = sortedUnique(all.found)
	switch denied := s.judge(ctx, subject, statements, all, &answer); {
	case denied:
		answer.Against = met
	case len(answer.Unseen) == 0:
		answer.Met, answer.Unsigned = met, s.declared.Local && local.scanner != ""
	}
	return answer
}

// scanned is what the scans that count found together.
type scanned struct {
	found []vulnerability
	// by names the scans.
	by []string
}

func (s *scanned) add(one scan, name string) {
	s.found, s.by = append(s.found, one.found...), append(s.by, name)
}

// report is an accepted scan, and who says so.
type report struct {
	scan
	claims []plugin.Claims
}

// or is the newer of two. Two that ended at the same moment count together.
func (r report) or(other report) report {
	switch r.ended.Compare(other.ended) {
	case 1:
		return r
	case -1:
		return other
	}
	r.found = append(r.found, other.found...)
	r.claims = append(r.claims, other.claims...)
	return r
}

// accept reads a report, and refuses one that is not about this image, not by
// an accepted scanner, or too old.
func (s *Scan) accept(ctx context.Context, subject Subject, statement Statement) (scan, error) {
	found, err := s.readScan(statement)
	if err != nil {
		return scan{}, err
	}
	if err := subject.names(ctx, statement, found.digests); err != nil {
		return scan{}, err
	}
	return found, s.acceptScan(subject.At, statement.Claims.Signed, found)
}

// acceptScan judges what a report says of itself.
func (s *Scan) acceptScan(at, signed time.Time, found scan) error {
	if err := s.acceptScanner(found); err != nil {
		return err
	}
	age := terms{what: "the scan ended", maxAge: time.Duration(s.declared.MaxAge), at: at, signed: signed}
	for _, ended := range []time.Time{cmp.Or(found.attested, found.ended), found.ended} {
		if err := age.check(ended); err != nil {
			return err
		}
	}
	if s.declared.MaxDatabaseAge == 0 && found.database.IsZero() {
		return nil
	}
	database := terms{what: "the scanner's database was updated", maxAge: time.Duration(s.declared.MaxDatabaseAge), at: at, signed: signed}
	return database.check(found.database)
}

func (s *Scan) acceptScanner(found scan) error {
	if len(s.scanners) == 0 {
		return nil
	}
	reason := fmt.Errorf("it is by the scanner %s, which the gate does not accept", shorten(found.scanner))
	for _, one := range s.scanners {
		if !(globs{one.name}).matches(append(found.uris, found.scanner)...) {
			continue
		}
		if one.minimum == nil {
			return nil
		}
		is, ok := parseVersion(found.version)
		if ok && is.compare(*one.minimum) >= 0 {
			return nil
		}
		reason = fmt.Errorf("it is by %s of the version %q, older than the gate accepts", shorten(found.scanner), shorten(found.version))
	}
	return reason
}

// judge says what was found, and reports whether any of it is denied.
func (s *Scan) judge(ctx context.Context, subject Subject, statements []Statement, all scanned, answer *Answer) bool {
	var denied, unrated []vulnerability
	for _, each := range all.found {
		switch {
		case s.declared.FixedOnly && !each.hasFix && !each.fixUnknown:
		case slices.Contains(s.deny, each.severity):
			denied = append(denied, each)
		case each.severity == severityUnknown && s.declared.Unknown == "Deny":
			denied = append(denied, each)
		case each.severity == severityUnknown && s.declared.Unknown != "Ignore":
			unrated = append(unrated, each)
		}
	}
	var told said
	if s.vex != nil && len(denied) > 0 {
		denied, told = s.vex.apply(ctx, subject, statements, denied)
		told.unseen = append(told.unseen, subject.Unseen...)
		answer.Findings = append(answer.Findings, told.findings...)
	}
	if len(unrated) > 0 {
		answer.Findings = append(answer.Findings, unratedFinding(unrated))
	}
	if len(denied) == 0 {
		return false
	}
	answer.Unseen = append(answer.Unseen, told.unseen...)
	finding := s.deniedFinding(denied, told)
	finding.Details = append(finding.Details, all.by...)
	answer.Findings = append(answer.Findings, finding)
	return true
}

// deniedFinding tells what is denied. Where somebody's VEX may not have been
// seen, it is undetermined.
func (s *Scan) deniedFinding(denied []vulnerability, told said) plugin.Finding {
	words := slices.Clone(s.deny)
	if s.declared.Unknown == "Deny" {
		words = append(words, severityUnknown)
	}
	finding := plugin.Finding{
		Rule: ruleVulnerable, Message: fmt.Sprintf("%s of severity %s: %s", vulnerabilities(len(denied)), strings.Join(words, " or "), someOf(names(denied))),
		Details: append(detailsOf(rated(denied)), told.reasons...),
		Why:     "what is known to be broken is known to attackers, too",
		Hint:    "build the image with the fixed versions and scan it again; OpenVEX by a signer of spec.vex takes out what does no harm",
	}
	if len(told.unseen) > 0 {
		finding.Level = plugin.Undetermined
		finding.Message = "cannot tell whether VEX takes them out: " + finding.Message
		finding.Details = append(slices.Clone(told.unseen), finding.Details...)
		finding.Hint = "look at what could not be read, and try again"
	}
	return finding
}

func unratedFinding(unrated []vulnerability) plugin.Finding {
	return plugin.Finding{
		Rule: ruleVulnerable, Level: plugin.Warn, Details: detailsOf(names(unrated)),
		Message: fmt.Sprintf("%s that nobody has rated: %s", vulnerabilities(len(unrated)), someOf(names(unrated))),
		Hint:    "look at them; scan.unknown of the gate's demand says what they mean",
	}
}

func vulnerabilities(count int) string {
	if count == 1 {
		return "1 vulnerability"
	}
	return fmt.Sprintf("%d vulnerabilities", count)
}

func names(found []vulnerability) []string {
	texts := make([]string, len(found))
	for i, each := range found {
		texts[i] = each.String()
	}
	return texts
}

// rated are the names with their severities.
func rated(found []vulnerability) []string {
	texts := names(found)
	for i := range texts {
		texts[i] = found[i].severity + ": " + texts[i]
	}
	return texts
}
