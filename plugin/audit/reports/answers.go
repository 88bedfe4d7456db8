package reports

import (
	"cmp"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin/audit"
)

// Silent is a sidecar that did not answer, and why. What it would have said is
// not in the answer.
type Silent struct {
	Address string `json:"address"`
	Error   string `json:"error"`
}

// Last is the answer about one application.
type Last struct {
	// Record is the last verdict; of an application with several sources the worst
	// of theirs.
	Record audit.Record `json:"record"`
	// Records are the last verdicts of all its sources, the worst first.
	Records []audit.Record `json:"records"`
	// Damaged counts records that could not be read.
	Damaged int      `json:"damaged,omitempty"`
	Silent  []Silent `json:"silent"`
}

// History is the answer about one application's verdicts, the newest first. One
// that says the same as the one before it of the same source is told once, by its
// last time.
type History struct {
	Records []audit.Record `json:"records"`
	// Damaged counts records that could not be read.
	Damaged int      `json:"damaged,omitempty"`
	Silent  []Silent `json:"silent"`
}

// Page is a part of the list of applications, ordered by their ids.
type Page struct {
	Applications []Application `json:"applications"`
	// Next is where the next page begins ("after"); empty on the last one. A page
	// may have fewer applications than asked for, also none, and not be the last.
	Next string `json:"next,omitempty"`
	// Gates are the digests of the whole gates that the sidecars judge by, each
	// once.
	Gates  []string `json:"gates"`
	Silent []Silent `json:"silent"`
}

// Application is one entry of a [Page].
type Application struct {
	ID string `json:"id"`
	// Application and Project are as in the record.
	Application string `json:"application"`
	Project     string `json:"project,omitempty"`
	// Outcome, FirstLine, Time, Revision and GateDigest are those of the record that
	// counts, see [Last].
	Outcome    string    `json:"outcome"`
	FirstLine  string    `json:"firstLine"`
	Time       time.Time `json:"time"`
	Revision   string    `json:"revision,omitempty"`
	GateDigest string    `json:"gateDigest,omitempty"`
	// Records are the last verdicts of all its sources, for who asked for them.
	Records []audit.Record `json:"records,omitempty"`
	// Damaged counts records that could not be read.
	Damaged int `json:"damaged,omitempty"`
}

// part is what one sidecar has of a page, before it is put together with others'.
type part struct {
	pages []page
	more  bool
	gates []string
}

// joined puts the pages of several sidecars together. Each gave its first ones
// behind the same id, so that what lies behind the last that all of them may have
// told belongs to the next page.
func joined(parts []part, limit int) (pages []page, more bool) {
	byID := map[string]*page{}
	end := "" // the last id that nobody left out
	for _, each := range parts {
		if each.more && len(each.pages) > 0 {
			if last := each.pages[len(each.pages)-1].id; end == "" || last < end {
				end = last
			}
		}
		for _, one := range each.pages {
			if known := byID[one.id]; known != nil {
				known.records, known.damaged = append(known.records, one.records...), known.damaged+one.damaged
				continue
			}
			byID[one.id] = &page{one.id, slices.Clone(one.records), one.damaged}
		}
	}
	for id, each := range byID {
		if end != "" && id > end {
			more = true
			continue
		}
		each.records = current(each.records)
		pages = append(pages, *each)
	}
	more = more || end != ""
	slices.SortFunc(pages, func(a, b page) int { return cmp.Compare(a.id, b.id) })
	if len(pages) > limit {
		return pages[:limit], true
	}
	return pages, more
}

// entry is an application as a page shows it.
func (p page) entry(records bool) Application {
	entry := Application{ID: p.id, Damaged: p.damaged}
	if len(p.records) > 0 {
		counts := p.records[0]
		entry.Application, entry.Project, entry.Outcome, entry.FirstLine = counts.Application, counts.Project, counts.Outcome.String(), counts.FirstLine
		entry.Time, entry.Revision, entry.GateDigest = counts.Time, counts.Revision, counts.GateDigest
	}
	if records {
		entry.Records = p.records
	}
	return entry
}

// newest puts the histories of several sidecars together.
func newest(records []audit.Record) []audit.Record {
	slices.SortStableFunc(records, func(a, b audit.Record) int { return b.Time.Compare(a.Time) })
	return slices.CompactFunc(records, func(a, b audit.Record) bool { return a.Time.Equal(b.Time) && source(a) == source(b) && says(a, b) })
}
