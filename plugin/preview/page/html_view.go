package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// view is what the template shows.
type view struct {
	Title, Verdict, Class string
	Base, Head            change.Side
	At, Gates, Version    string
	Banners               []string
	Tiles                 []tile
	Kinds                 []string
	Applications          []applicationView
	Unseen                []unseenView
	Link                  string
	// Cut counts the objects that the page has no room for.
	Cut int
}

// tile is one number of the summary.
type tile struct {
	Value int
	Label string
	Class string
	// Detail is a second line.
	Detail string
}

type unseenView struct {
	What, Application, Reason, Hint, Where, Side string
}

// mostPageBytes bounds the fields of all objects of a page: a browser has to
// hold them.
const mostPageBytes = 64 << 20

func newView(r change.Report, o Options) view {
	v := view{
		Title: "assay: " + verdict(r.Summary), Verdict: verdict(r.Summary), Class: class(r.Summary),
		Base: plainSide(r.Base), Head: plainSide(r.Head), At: stamp(r.At), Gates: plain(gates(r)), Version: plain(o.Version), Link: o.Link,
		Tiles: tiles(r),
	}
	for _, banner := range banners(r) {
		v.Banners = append(v.Banners, plain(banner))
	}
	room := mostPageBytes
	for i, a := range r.Applications {
		one := newApplicationView(a, r, o, &room)
		one.Index = i + 1
		v.Cut += one.Cut
		v.Applications = append(v.Applications, one)
		for _, kind := range one.Kinds {
			if !slices.Contains(v.Kinds, kind) {
				v.Kinds = append(v.Kinds, kind)
			}
		}
	}
	slices.Sort(v.Kinds)
	for _, each := range r.Unseen {
		v.Unseen = append(v.Unseen, unseenView{plain(each.What), plain(each.Application), plain(each.Reason), plain(each.Hint), plain(each.Origin.String()), onSide(each)})
	}
	return v
}

// class is the colour of the answer.
func class(s change.Summary) string {
	switch {
	case s.NewDenials > 0:
		return "deny"
	case s.NewUndetermined > 0, s.Added+s.Changed+s.Removed+s.Renamed+s.Same+s.Unaffected == 0:
		return "undetermined"
	case s.Denied+s.Undetermined > 0:
		return "warn"
	}
	return "allowed"
}

// tiles are the numbers, those that decide first.
func tiles(r change.Report) []tile {
	s := r.Summary
	changed := s.Added + s.Changed + s.Removed + s.Renamed
	out := []tile{
		{Value: s.NewDenials, Label: "new denials", Class: "deny"},
		{Value: s.NewUndetermined, Label: "new, no answer", Class: "undetermined"},
		{Value: weaker(r), Label: "images less trusted", Class: "warn"},
		{Value: changed, Label: "applications differ", Detail: applications(s)},
		{Value: s.Objects.Added + s.Objects.Changed + s.Objects.Removed, Label: "objects differ", Detail: counts(s.Objects)},
		{Value: s.Images.Added + s.Images.Changed + s.Images.Removed, Label: "images differ", Detail: counts(s.Images)},
		{Value: s.Rollouts, Label: "workloads roll"},
		{Value: s.Fixed, Label: "findings fixed", Class: "allowed", Detail: fmt.Sprintf("%d still there", s.Still)},
	}
	for i := range out {
		if out[i].Value == 0 {
			out[i].Class = ""
		}
	}
	return out
}

func weaker(r change.Report) int {
	count := 0
	for _, a := range r.Applications {
		for _, image := range a.Images {
			if image.Weaker {
				count++
			}
		}
	}
	return count
}

// plain is a text of others as one line: nothing in it hides or turns around
// what a reader sees. The template escapes it.
func plain(text string) string {
	const most = 4000
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + fmt.Sprintf("... (%d more bytes)", len(text)-most)
	}
	return plugin.PlainText(text)
}

func plains(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = plain(text)
	}
	return out
}

func plainSide(side change.Side) change.Side {
	return change.Side{Name: plain(side.Name), Commit: plain(shortRevision(side.Commit))}
}

// applicationView is one application.
type applicationView struct {
	Index                                   int
	Name, Was, Where, Path, Note            string
	Parents                                 []string
	Status, Answer, Level, Outcome, Content string
	Open                                    bool
	Seals                                   string
	Groups                                  []findingGroup
	Images                                  []imageView
	Unchanged                               []string
	Waivers                                 []waiverView
	Rollouts                                []rolloutView
	Objects                                 []objectView
	Omitted, Cut                            int
	Kinds                                   []string
}

type rolloutView struct{ Object, Effect string }

type waiverView struct {
	Use, State, Rule, Subject, Gate, Last, Text string
	// Soon is set when it ends within two weeks of the judgement, or has ended.
	Soon bool
}

func newApplicationView(a change.Application, r change.Report, o Options, room *int) applicationView {
	v := applicationView{
		Name: plain(nameOf(a)), Was: plain(renamed(a)), Where: plain(a.Origin.String()), Path: plain(a.Path), Note: plain(a.Note), Parents: plains(a.Parents),
		Status: string(a.Status), Answer: answered(a), Level: levelOf(a), Outcome: outcomeOf(a).String(), Content: content(a), Omitted: a.Omitted,
		Groups: findingGroups(a, o),
	}
	if a.Status == change.Removed {
		v.Outcome = "removed"
	}
	const few = 3
	v.Open = v.Level == "deny" || v.Level == "undetermined" || len(r.Applications) <= few
	if a.After != nil {
		v.Seals = plain(a.After.Seal)
	}
	for _, image := range a.Images {
		if image.Status == change.Same {
			v.Unchanged = append(v.Unchanged, plain(imageName(image)+" "+versions(image)))
			continue
		}
		v.Images = append(v.Images, newImageView(image))
	}
	for _, waiver := range a.Waivers {
		v.Waivers = append(v.Waivers, newWaiverView(waiver, r))
	}
	effects := map[plugin.ObjectID]string{}
	v.Objects, v.Cut = objectViews(a.Objects, room)
	for _, object := range a.Objects {
		effects[object.ID] = effect(object)
		if !slices.Contains(v.Kinds, plain(object.ID.Kind)) {
			v.Kinds = append(v.Kinds, plain(object.ID.Kind))
		}
	}
	for _, id := range a.Rollouts {
		says := effects[id]
		if says == "" {
			says = report.Rolls.Says()
		}
		v.Rollouts = append(v.Rollouts, rolloutView{plain(id.String()), says})
	}
	return v
}

// levelOf is the worst that the change brings to an application. An image of
// which less is proven than before is worth a warning.
func levelOf(a change.Application) string {
	worst := plugin.Info
	for _, finding := range a.Findings {
		if !brought(finding) {
			continue
		}
		if level := finding.Level; level.Blocks() && level != plugin.Undetermined {
			return plugin.Deny.String()
		}
		worst = min(worst, finding.Level)
	}
	for _, image := range a.Images {
		if image.Weaker {
			worst = min(worst, plugin.Warn)
		}
	}
	return worst.String()
}

func newWaiverView(w change.Waiver, r change.Report) waiverView {
	v := waiverView{
		Use: plain(w.Use), State: waiverState(w), Rule: plain(w.Rule), Subject: plain(waiverSubject(w)), Gate: plain(w.Gate), Text: plain(report.WaiverText(w.Waived)),
	}
	if !w.Until.IsZero() {
		const soon = 14
		v.Last = w.Until.UTC().Format("2006-01-02")
		v.Soon = w.Until.Before(r.At.AddDate(0, 0, soon))
	}
	return v
}
