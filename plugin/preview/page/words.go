package page

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// nameOf is an application's name: "Application argocd/shop".
func nameOf(a change.Application) string {
	return a.Kind + " " + withNamespace(a.Namespace, a.Name)
}

func withNamespace(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// renamed is the name on the base, when it differs.
func renamed(a change.Application) string {
	if a.WasName == "" {
		return ""
	}
	return "was " + withNamespace(a.Namespace, a.WasName)
}

// outcomeOf is the answer on the side that counts: the head's, and of what is
// removed the base's.
func outcomeOf(a change.Application) plugin.Outcome {
	switch {
	case a.After != nil:
		return a.After.Outcome
	case a.Before != nil && a.Status == change.Removed:
		return a.Before.Outcome
	}
	return plugin.Unanswered
}

// answered is what the gate says of an application: "denied (was allowed)", and
// "denied as before" for an old debt.
func answered(a change.Application) string {
	switch {
	case a.Status == change.Removed:
		return "removed"
	case a.After == nil:
		return "not judged"
	case a.Before == nil || a.Before.Outcome == a.After.Outcome && a.After.Outcome == plugin.Allowed:
		return a.After.Outcome.String()
	case a.Before.Outcome == a.After.Outcome:
		return a.After.Outcome.String() + " as before"
	}
	return a.After.Outcome.String() + " (was " + a.Before.Outcome.String() + ")"
}

// counted is a list of counts without those that are zero.
type counted []string

func (c *counted) add(count int, noun, after string) {
	if count > 0 {
		*c = append(*c, report.Plural(count, noun)+after)
	}
}

func (c counted) or(none string) string {
	if len(c) == 0 {
		return none
	}
	return strings.Join(c, ", ")
}

// verdict is the answer to the change in one line.
func verdict(s change.Summary) string {
	var parts counted
	parts.add(s.NewDenials, "new denial", "")
	parts.add(s.NewUndetermined, "new question", " without an answer")
	if len(parts) > 0 {
		return parts.or("")
	}
	switch old := s.Denied + s.Undetermined; {
	case old > 0:
		return "nothing new is denied; " + report.Plural(old, "application") + " " + wasOrWere(old) + " not allowed before either"
	case s.Added+s.Changed+s.Removed+s.Renamed > 0:
		return "nothing is denied"
	case s.Same+s.Unaffected > 0:
		return "nothing that is deployed changes"
	}
	return "no application was compared"
}

func wasOrWere(count int) string {
	if count == 1 {
		return "was"
	}
	return "were"
}

// applications counts the applications by what the change does to them.
func applications(s change.Summary) string {
	var parts counted
	for _, part := range []struct {
		count int
		word  string
	}{{s.Added, "added"}, {s.Changed, "changed"}, {s.Removed, "removed"}, {s.Renamed, "renamed"}, {s.Same, "the same"}, {s.Unaffected, "not affected"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.word))
		}
	}
	return parts.or("none")
}

// counts counts by status.
func counts(c change.Counts) string {
	var parts counted
	for _, part := range []struct {
		count int
		word  string
	}{{c.Added, "added"}, {c.Changed, "changed"}, {c.Removed, "removed"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.word))
		}
	}
	return parts.or("")
}

// sideName is what a side is called: "main (0123456789ab)".
func sideName(side change.Side) string {
	commit := shortRevision(side.Commit)
	switch {
	case commit == "" || strings.HasPrefix(side.Commit, side.Name):
		return side.Name
	case side.Name == "":
		return commit
	}
	return side.Name + " (" + commit + ")"
}

// isNewDenial reports whether the change brings a finding that denies.
func isNewDenial(f change.Finding) bool {
	return brought(f) && f.Level.Blocks() && f.Level != plugin.Undetermined
}

// isNewQuestion reports whether the change brings what has no answer.
func isNewQuestion(f change.Finding) bool { return brought(f) && f.Level == plugin.Undetermined }

// brought reports whether the change brings a finding, or makes it block.
func brought(f change.Finding) bool { return f.State == change.New }

// located is a finding and the application that it is in.
type located struct {
	change.Finding
	application *change.Application
}

// findings are those of all applications that are asked for, in their order.
func findings(r change.Report, asked func(change.Finding) bool) []located {
	var out []located
	for i := range r.Applications {
		for _, finding := range r.Applications[i].Findings {
			if asked(finding) {
				out = append(out, located{finding, &r.Applications[i]})
			}
		}
	}
	return out
}

// placeOf is the file and line of a finding, else of its application.
func placeOf(f located) string {
	if at := f.Origin.String(); at != "" {
		return at
	}
	return f.application.Origin.String()
}

// size is a number of bytes for people.
func size(bytes int64) string {
	const step = 1000
	if bytes < step {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/step, 0
	for value >= step && unit < 3 {
		value /= step
		unit++
	}
	return fmt.Sprintf("%.1f %s", value, []string{"kB", "MB", "GB", "TB"}[unit])
}
