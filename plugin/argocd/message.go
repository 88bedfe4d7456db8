package argocd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// mostMessage bounds the text that ends in the Application's condition, which
// Argo CD stores whole, in bytes.
const mostMessage = 4096

// message is what the Application's condition shows. Argo CD puts its own words
// before it, and its list of applications shows the beginning alone, so the
// first line stands for the whole: what was decided, how much is wrong, and the
// first problem with its object, field and fix. All problems follow, and the
// report under which the log holds the rest; without one, what shows it.
func message(v *plugin.Verdict, id string) string {
	blocking, following := report.Causes(v)
	tail := fmt.Sprintf("\nthe whole report is in the log of the assay sidecar: report=%s", id)
	if id == "" {
		tail = "\n`assay check` shows the whole report"
	}
	var out strings.Builder
	out.WriteString(headline(v, blocking))
	if v.Banner != "" {
		out.WriteString("\n" + cut(report.Neutral(v.Banner), mostMessage/8))
	}
	if len(blocking) == 1 {
		blocking = nil // the first line has said it
	}
	for i, finding := range blocking {
		line := "\n- " + cut(problem(finding), mostMessage/4)
		left := fmt.Sprintf("\n- and %d more", len(blocking)-i)
		if out.Len()+len(line)+len(left)+len(tail) > mostMessage {
			out.WriteString(left)
			break
		}
		out.WriteString(line)
	}
	if note := follow(following); out.Len()+len(note)+len(tail) <= mostMessage {
		out.WriteString(note)
	}
	return out.String() + tail
}

func headline(v *plugin.Verdict, blocking []plugin.Finding) string {
	name := report.Neutral(v.Application.Name)
	if name == "" {
		name = "the application"
	}
	denied := count(blocking, plugin.Deny)
	if v.Outcome() == plugin.Unanswered {
		start := fmt.Sprintf("assay has no answer about %s (%s)", name, prospect(v))
		if len(blocking) == 0 {
			return start
		}
		return start + ": " + cut(problem(blocking[0]), mostMessage/4)
	}
	start := fmt.Sprintf("assay denied %s", name)
	if len(blocking) == 0 {
		return start + ": the run stopped before it had an answer"
	}
	noun := "problems"
	if denied == 1 {
		noun = "problem"
	}
	return fmt.Sprintf("%s: %d %s: %s", start, denied, noun, cut(problem(blocking[0]), mostMessage/4))
}

// prospect says what becomes of an application without an answer.
func prospect(v *plugin.Verdict) string {
	if lasting(v) {
		return "lasting: it stays so until somebody changes what is named here"
	}
	return "transient: it is asked again at the next refresh"
}

// follow says how many findings only follow from those that are told.
func follow(count int) string {
	switch count {
	case 0:
		return ""
	case 1:
		return "\n1 more follows from these"
	}
	return fmt.Sprintf("\n%d more follow from these", count)
}

func count(findings []plugin.Finding, level plugin.Level) int {
	found := 0
	for _, finding := range findings {
		if finding.Level == level {
			found++
		}
	}
	return found
}

// problem is one finding in one line: where, what, by which rule, what to do.
func problem(f plugin.Finding) string {
	var out strings.Builder
	out.WriteString(f.Subject())
	if f.Field != "" {
		out.WriteString(" " + f.Field)
	}
	if f.Origin.File != "" {
		out.WriteString(" (" + f.Origin.String() + ")")
	}
	out.WriteString(": " + steady(f.Message))
	if f.Image != "" && !strings.Contains(f.Message, f.Image) && f.Subject() != f.Image {
		out.WriteString(" [" + f.Image + "]")
	}
	if f.Hint != "" {
		out.WriteString("; fix: " + f.Hint)
	}
	out.WriteString(" (" + f.Rule + ")")
	return report.Neutral(out.String())
}

// cut shortens a text to a number of bytes, between characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const note = "..."
	end := most - len(note)
	for end > 0 && text[end]&0xc0 == 0x80 { // inside of a character (UTF-8)
		end--
	}
	return text[:end] + note
}

// reportID names a verdict by what stops it. The same denial has the same id at
// each refresh, so that the condition does not change when nothing did.
func reportID(v *plugin.Verdict) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q %q", v.Application.Name, v.Application.Project, v.Path, v.Outcome())
	for _, finding := range v.Findings {
		if finding.Level != plugin.Info {
			fmt.Fprintf(sum, "\n%q %q %q %q %q %q", finding.Rule, finding.Level, finding.Subject(), finding.Field, finding.Digest, steady(finding.Message))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// ownPort is this side's address of a connection, which is another one each
// time.
var ownPort = regexp.MustCompile(`(tcp|udp) \S+:\d+->`)

// steady leaves out of a message what changes when nothing did.
func steady(message string) string { return ownPort.ReplaceAllString(message, "$1 ") }
