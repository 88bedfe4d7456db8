package report

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// mostCondition bounds the text that ends in a condition, which the cluster
// stores whole, in bytes.
const mostCondition = 4096

// Door is what a text has to know of the front door that tells it.
type Door struct {
	// Log says whose log has the whole report: "the assay sidecar".
	Log string
	// Again says when what has no answer is asked again: "at the next refresh".
	Again string
	// Sharer is what all reports of one owner count for in the log: "AppProject".
	Sharer string
	// LastGood is the command that says whether a revision passes now, without the
	// application's name; empty where there is none.
	LastGood string
}

// Condition is what a condition shows of an application that is not allowed.
// Readers put their own words before it, and lists show its beginning alone, so
// the first line stands for the whole: what was decided, how much is wrong, and
// the first problem with its object, field and fix. All problems follow, as far
// as there is room, and the id under which the log holds the rest (see [ID]);
// without one, what shows it.
func (d Door) Condition(v *plugin.Verdict, id string) string {
	blocking, following := Causes(v)
	tail := fmt.Sprintf("\nthe whole report is in the log of %s: report=%s", d.Log, id)
	if id == "" {
		tail = "\n`assay check` shows the whole report"
	}
	tail = d.lastAllowed(v) + tail
	var out strings.Builder
	out.WriteString(d.headline(v, blocking))
	if v.Banner != "" {
		out.WriteString("\n" + cut(neutral(v.Banner), mostCondition/8))
	}
	if len(blocking) == 1 {
		blocking = nil // the first line has said it
	}
	for i, finding := range blocking {
		line := "\n- " + cut(problem(finding), mostCondition/4)
		left := fmt.Sprintf("\n- and %d more", len(blocking)-i)
		if out.Len()+len(line)+len(left)+len(tail) > mostCondition {
			out.WriteString(left)
			break
		}
		out.WriteString(line)
	}
	if note := follow(following); out.Len()+len(note)+len(tail) <= mostCondition {
		out.WriteString(note)
	}
	return out.String() + tail
}

// Headline is the first line of a [Door.Condition]; for an application that is
// allowed it says how much was looked at.
func (d Door) Headline(v *plugin.Verdict) string {
	if v.Outcome() == plugin.Allowed {
		line := fmt.Sprintf("assay allowed %s: %s, %s", neutral(v.Application.Name), plural(v.Objects, "object"), plural(len(v.Images), "image"))
		if warnings := v.Count(plugin.Warn); warnings > 0 {
			line += ", " + plural(warnings, "warning")
		}
		return line
	}
	blocking, _ := Causes(v)
	return d.headline(v, blocking)
}

func (d Door) headline(v *plugin.Verdict, blocking []plugin.Finding) string {
	name := neutral(v.Application.Name)
	if name == "" {
		name = "the application"
	}
	denied := atLevel(blocking, plugin.Deny)
	if v.Outcome() == plugin.Unanswered {
		start := fmt.Sprintf("assay has no answer about %s (%s)", name, d.prospect(v))
		if len(blocking) == 0 {
			return start
		}
		return start + ": " + cut(problem(blocking[0]), mostCondition/4)
	}
	start := fmt.Sprintf("assay denied %s", name)
	if len(blocking) == 0 {
		return start + ": the run stopped before it had an answer"
	}
	noun := "problems"
	if denied == 1 {
		noun = "problem"
	}
	return fmt.Sprintf("%s: %d %s: %s", start, denied, noun, cut(problem(blocking[0]), mostCondition/4))
}

// prospect says what becomes of an application without an answer.
func (d Door) prospect(v *plugin.Verdict) string {
	if Lasting(v) {
		return "lasting: it stays so until somebody changes what is named here"
	}
	return "transient: it is asked again " + d.Again
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

func atLevel(findings []plugin.Finding, level plugin.Level) int {
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
	return neutral(out.String())
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
