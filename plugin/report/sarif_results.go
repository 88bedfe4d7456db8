package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// What code scanning services take: GitHub shows the first 5,000 results of a
// run and 100 locations of a result.
const (
	mostSarifResults   = 5000
	mostSarifLocations = 20
)

// most is the greatest number of results.
func (s sarifReporter) most() int { return int(min(s.Findings, mostSarifResults)) }

// results are the findings that become results, the worst first, and the number
// of those that were left out.
func (s sarifReporter) results(v *plugin.Verdict) (findings []plugin.Finding, omitted int) {
	for _, finding := range v.Findings {
		if finding.Level != plugin.Info {
			findings = append(findings, finding)
		}
	}
	if len(findings) <= s.most() {
		return findings, 0
	}
	return findings[:s.most()], len(findings) - s.most()
}

// rules are the pages of the rules that have a result, sorted, and the index of
// each.
func (s sarifReporter) rules(findings []plugin.Finding) (rules []sarifRule, index map[string]int) {
	index = map[string]int{}
	for _, finding := range findings {
		index[finding.Rule] = 0
	}
	ids := make([]string, 0, len(index))
	for id := range index {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	rules = make([]sarifRule, 0, len(ids))
	for i, id := range ids {
		index[id] = i
		rules = append(rules, newSarifRule(id, s.rule(id)))
	}
	return rules, index
}

func newSarifRule(id string, page Rule) sarifRule {
	area, _, _ := strings.Cut(id, "/")
	out := sarifRule{
		ID: neutral(id), HelpURI: page.Page, Default: sarifConfiguration{"error"},
		Properties: sarifProperties{Tags: []string{"security", neutral(area)}, SecuritySeverity: securitySeverity(page.Severity), Precision: "high"},
	}
	if page.Pack != "" {
		out.Properties.Tags = append(out.Properties.Tags, page.Pack)
	}
	if page.Title != "" {
		out.ShortDescription = &sarifText{Text: page.Title}
	}
	if page.Why != "" {
		out.FullDescription = &sarifText{Text: page.Why}
	}
	if page.Why != "" || page.Fix != "" {
		out.Help = &sarifText{
			Text:     strings.TrimSpace("Why it matters: " + page.Why + ". What to do: " + page.Fix + "."),
			Markdown: "**Why it matters.** " + prose(page.Why) + ".\n\n**What to do.** " + prose(page.Fix) + ".\n",
		}
	}
	return out
}

// securitySeverity is a number in the ranges of CVSS v3, by which code scanning
// services tell critical (9.0 and more), high (7.0), medium (4.0) and low.
func securitySeverity(severity string) string {
	return map[string]string{"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.5"}[severity]
}

func newSarifResults(v *plugin.Verdict, findings []plugin.Finding, index map[string]int) []sarifResult {
	seen := map[string]int{}
	uses := usesByImage(v.Images)
	results := make([]sarifResult, 0, len(findings))
	for _, finding := range findings {
		result := sarifResult{
			RuleID: neutral(finding.Rule), RuleIndex: index[finding.Rule], Kind: "fail", Level: sarifLevel(finding),
			Message: sarifText{Text: plainMessage(sarifMessage(finding))}, Locations: sarifLocations(v, uses, finding),
			Properties: sarifDetails(finding),
		}
		result.Suppressions = suppressions(finding)
		print := fingerprint(finding)
		seen[print]++
		result.Fingerprints = map[string]string{"assay/v1": fmt.Sprintf("%s:%d", print, seen[print])}
		results = append(results, result)
	}
	return results
}

// suppressions are the exception that covers a finding.
func suppressions(finding plugin.Finding) []sarifSuppression {
	if finding.Waiver == nil {
		return nil
	}
	return []sarifSuppression{{"external", "accepted", neutral(waiver(*finding.Waiver))}}
}

// sarifLevel is "error" for all that blocks, also for what has no answer: a
// result of another kind than "fail" has no level (3.27.9), and services would
// show what stopped the application as the least of all.
func sarifLevel(finding plugin.Finding) string {
	if finding.Level.Blocks() {
		return "error"
	}
	return "warning"
}

// sarifMessage is one text that stands alone: services show nothing else in
// their lists.
func sarifMessage(finding plugin.Finding) string {
	text := finding.Subject() + ": " + finding.Message
	if mark := standing(finding); mark != "" {
		text = mark + ": " + text
	}
	if finding.Field != "" {
		text += " (" + finding.Field + ")"
	}
	if finding.Hint != "" {
		text += ". To fix it: " + finding.Hint
	}
	return text
}

// standing says in words what the level of a format cannot.
func standing(finding plugin.Finding) string {
	switch {
	case finding.Waiver != nil:
		return "waived"
	case finding.Audited:
		return "not enforced (audit)"
	case finding.Indeterminate:
		return "cannot be decided offline"
	case finding.Level == plugin.Undetermined:
		return "no answer"
	}
	return ""
}

func sarifDetails(finding plugin.Finding) map[string]any {
	details := map[string]any{"level": finding.Level}
	for name, text := range map[string]string{
		"gate": finding.Gate, "image": finding.Image, "digest": finding.Digest, "content": finding.Content, "field": finding.Field,
	} {
		if text != "" {
			details[name] = neutral(text)
		}
	}
	for name, is := range map[string]bool{"audited": finding.Audited, "indeterminate": finding.Indeterminate} {
		if is {
			details[name] = true
		}
	}
	if len(finding.Details) > 0 {
		lines := []string{}
		for _, detail := range finding.Details[:min(len(finding.Details), mostDetails)] {
			lines = append(lines, neutral(detail))
		}
		details["details"] = lines
	}
	return details
}

// fingerprint names a problem whatever the line it stands on and whatever the
// tag that an image has: the same problem of the next commit has the same.
func fingerprint(finding plugin.Finding) string {
	parts := []string{finding.Rule, finding.Gate}
	if id := finding.Object; id.IsZero() {
		parts = append(parts, "image", repositoryOf(finding.Image))
	} else {
		parts = append(parts, "object", id.APIVersion, id.Kind, id.Namespace, id.Name)
	}
	sum := sha256.Sum256([]byte(strings.Join(append(parts, finding.Field), "\x00")))
	return hex.EncodeToString(sum[:16])
}

func repositoryOf(image string) string {
	if reference, err := plugin.ParseReference(image); err == nil {
		return reference.Repository
	}
	return image
}

// sarifLocations are the finding's own place, else those that use its image,
// else the application: services refuse a result without a file.
func sarifLocations(v *plugin.Verdict, uses map[string][]plugin.Use, finding plugin.Finding) []sarifLocation {
	if finding.Origin.File != "" || !finding.Object.IsZero() {
		return []sarifLocation{newSarifLocation(v.Path, finding.Origin, logical(finding.Object, finding.Field))}
	}
	var locations []sarifLocation
	for _, use := range uses[finding.Image] {
		if len(locations) < mostSarifLocations {
			locations = append(locations, newSarifLocation(v.Path, use.Origin, logical(use.ID, use.Field)))
		}
	}
	if len(locations) == 0 {
		locations = append(locations, newSarifLocation(v.Path, plugin.Origin{}, nil))
	}
	return locations
}

func newSarifLocation(folder string, origin plugin.Origin, logical []sarifLogical) sarifLocation {
	out := sarifLocation{Logical: logical}
	out.Physical.Artifact = sarifArtifact{relativeURI(cmp.Or(origin.File, folder, ".")), sourceRoot}
	if origin.Line > 0 && origin.File != "" {
		out.Physical.Region = &sarifRegion{origin.Line}
	}
	return out
}

// logical is the object, and the field in it.
func logical(id plugin.ObjectID, field string) []sarifLogical {
	if id.IsZero() {
		return nil
	}
	full := neutral(strings.Join([]string{id.APIVersion, id.Kind, id.Namespace, id.Name}, "/"))
	out := []sarifLogical{{Name: neutral(id.Name), FullName: full, Kind: "object"}}
	if field != "" {
		out = append(out, sarifLogical{Name: neutral(field), FullName: full + "#" + neutral(field), Kind: "member"})
	}
	return out
}

// relativeURI writes a file of the source tree as a relative reference (RFC
// 3986, 4.2) that no character of its name turns into something else.
func relativeURI(file string) string {
	var segments []string
	for segment := range strings.SplitSeq(path.Clean(file), "/") {
		segments = append(segments, url.PathEscape(segment))
	}
	uri := strings.TrimLeft(strings.Join(segments, "/"), "/")
	if first, _, _ := strings.Cut(uri, "/"); strings.Contains(first, ":") {
		uri = "./" + uri // else the part before the colon reads as a scheme
	}
	return cmp.Or(uri, ".")
}

// repositoryURI is the repository's URL when it is one that others can follow.
func repositoryURI(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || !slices.Contains([]string{"https", "http", "ssh", "git"}, parsed.Scheme) {
		return ""
	}
	return neutral(plugin.RedactURL(text))
}

// automationID names the run apart from those of other applications (3.17.3):
// services keep one series of results for each. It ends in a slash, as no
// single run has a name.
func automationID(v *plugin.Verdict) string {
	parts := []string{"assay", v.Application.Project}
	if name := v.Application.Name; name != path.Base(v.Path) {
		parts = append(parts, name)
	}
	if v.Path != "." {
		parts = append(parts, v.Path)
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return neutral(strings.Join(parts, "/")) + "/"
}

// plainMessage is a text in which SARIF reads no link: "[text](target)" is one
// also in plain text (3.11.6).
func plainMessage(text string) string {
	return strings.ReplaceAll(neutral(text), "](", "] (")
}
