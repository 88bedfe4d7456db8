package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// stamp is a time for people, UTC.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05Z") }

// gates are the names of those that judged.
func gates(r change.Report) string {
	if len(r.Gates) == 0 {
		return "none"
	}
	const most = 20
	if len(r.Gates) > most {
		return strings.Join(r.Gates[:most], ", ") + fmt.Sprintf(" and %d more", len(r.Gates)-most)
	}
	return strings.Join(r.Gates, ", ")
}

// answers counts what the gate says of the head, and the findings.
func answers(s change.Summary) string {
	var parts counted
	parts.add(s.Denied, "application", " denied")
	parts.add(s.Undetermined, "application", " without an answer")
	parts.add(s.NewDenials, "new denial", "")
	parts.add(s.NewUndetermined, "new question", "")
	parts.add(s.Fixed, "finding", " fixed")
	parts.add(s.Still, "finding", " still there")
	return parts.or("no finding")
}

// banners are the first lines under break glass, each once.
func banners(r change.Report) []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range r.Applications {
		if a.After == nil || a.After.Banner == "" || seen[a.After.Banner] {
			continue
		}
		seen[a.After.Banner] = true
		out = append(out, a.After.Banner)
	}
	return out
}

// effect is what becomes of a running workload; empty when nothing does.
func effect(object change.Object) string {
	switch {
	case object.Effect != "":
		return object.Effect.Says()
	case object.Rolls:
		return report.Rolls.Says()
	}
	return ""
}

// noise counts the folded fields by their reasons, in the order of the fields.
func noise(object change.Object) string {
	var reasons []string
	seen := map[string]bool{}
	for _, field := range object.Fields {
		if field.Noise != "" && !seen[field.Noise] {
			seen[field.Noise] = true
			reasons = append(reasons, field.Noise)
		}
	}
	text := report.Plural(object.Folded, "field") + " of noise folded"
	if len(reasons) > 0 {
		text += ": " + strings.Join(reasons, ", ")
	}
	return text
}

// notShown is what a difference of masked values reads as.
const notShown = "differs, and is not shown"

// masked reports whether both sides of a difference are hidden.
func masked(field change.Field) bool {
	return field.Was == plugin.Masked && field.Now == plugin.Masked
}

// wasNow is a field's change in one line.
func wasNow(field change.Field) string {
	if masked(field) {
		return notShown
	}
	switch field.Status {
	case change.Added:
		return field.Now
	case change.Removed:
		return field.Was + " -> (removed)"
	case change.Changed, change.Renamed, change.Same:
	}
	return field.Was + " -> " + field.Now
}

func cut(field change.Field) string {
	if field.Cut {
		return "(cut)"
	}
	return ""
}

func imageName(image change.Image) string {
	if image.Chart {
		return "chart " + image.Repository
	}
	return image.Repository
}

// version is the tag of a side, else its digest.
func version(side *change.ImageSide) string {
	switch {
	case side == nil:
		return ""
	case side.Tag != "":
		return side.Tag
	case side.Digest != "":
		return report.ShortDigest(side.Digest)
	}
	return side.Written
}

// versions are those of both sides.
func versions(image change.Image) string {
	was, now := version(image.Was), version(image.Now)
	switch {
	case image.Was == nil:
		return now
	case image.Now == nil:
		return was + " -> (removed)"
	case image.Moved:
		return now + " (moved)"
	case was == now:
		return now
	}
	return was + " -> " + now
}

// digests are those of both sides, short.
func digests(image change.Image) string {
	was, now := digest(image.Was), digest(image.Now)
	switch {
	case image.Was == nil:
		return now
	case image.Now == nil || was == now:
		return was
	}
	return was + " -> " + now
}

func digest(side *change.ImageSide) string {
	if side == nil {
		return ""
	}
	if side.Digest == "" {
		return "no digest"
	}
	return report.ShortDigest(side.Digest)
}

// scanned says what the attested scans say of the change.
func scanned(v *change.Vulnerabilities) string {
	switch {
	case v == nil:
		return ""
	case v.OnlyBase:
		return "a scan is attested on the base alone"
	case v.OnlyHead:
		return fmt.Sprintf("a scan is attested on the head alone: it lists %d", v.Same)
	}
	text := fmt.Sprintf("vulnerabilities: %d added, %d removed, %d the same", len(v.Added), len(v.Removed), v.Same)
	if v.Omitted > 0 {
		text += fmt.Sprintf(", %d not listed", v.Omitted)
	}
	return text
}

// scannedBy is the same, with the first that are added.
func scannedBy(v *change.Vulnerabilities) string {
	text := scanned(v)
	if v == nil || len(v.Added) == 0 {
		return text
	}
	var names []string
	const most = 5
	for _, each := range v.Added[:min(len(v.Added), most)] {
		names = append(names, each.ID+" "+each.Severity)
	}
	text += "; added: " + strings.Join(names, ", ")
	if len(v.Added) > most {
		text += fmt.Sprintf(" and %d more", len(v.Added)-most)
	}
	return text
}

func waiverSubject(waiver change.Waiver) string {
	if !waiver.Object.IsZero() {
		return waiver.Object.String()
	}
	return waiver.Image
}

// waiverState says on which side a waiver stands.
func waiverState(waiver change.Waiver) string {
	switch waiver.State {
	case change.New:
		return "new"
	case change.Fixed:
		return "no more"
	case change.Still:
	}
	return "as before"
}
