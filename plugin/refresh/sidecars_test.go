package refresh

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

// pages are answers one after another; the last one repeats.
type pages struct {
	pages []reports.Page
	err   error
	asked []string
}

func (p *pages) Page(_ context.Context, _ int, after string, records bool) (reports.Page, error) {
	p.asked = append(p.asked, after)
	if p.err != nil && len(p.asked) > 1 || !records {
		return reports.Page{}, p.err
	}
	return p.pages[min(len(p.asked), len(p.pages))-1], nil
}

func pageOf(next string, names ...string) reports.Page {
	page := reports.Page{Next: next, Gates: []string{"sha256:b", "sha256:a"}, Silent: []reports.Silent{{Address: "10.0.0.7:8087"}}}
	for _, name := range names {
		page.Applications = append(page.Applications, reports.Application{ID: name, Records: []audit.Record{{Application: name, Time: time.Now()}, {Application: name, Path: "other"}}})
	}
	return page
}

func TestSidecars_AllPagesAreRead(t *testing.T) {
	asked := &pages{pages: []reports.Page{pageOf("2", "one"), pageOf("4"), pageOf("", "two", "three")}}
	answer, err := Sidecars{asked}.Read(t.Context())
	if err != nil || len(answer.Records) != 6 || strings.Join(asked.asked, ",") != ",2,4" {
		t.Fatalf("%d records, asked behind %q: %v", len(answer.Records), asked.asked, err)
	}
	if fmt.Sprint(answer.Gates, answer.Silent) != "[sha256:a sha256:b] [10.0.0.7:8087]" {
		t.Errorf("%v, %v", answer.Gates, answer.Silent)
	}
}

func TestSidecars_APartIsNoAnswer(t *testing.T) {
	for name, asked := range map[string]*pages{
		"no second page":    {pages: []reports.Page{pageOf("2", "one")}, err: errors.New("a timeout")},
		"pages in a circle": {pages: []reports.Page{pageOf("2", "one")}},
	} {
		if answer, err := (Sidecars{asked}).Read(t.Context()); err == nil || len(answer.Records) > 0 || len(answer.Gates) > 0 {
			t.Errorf("%s: %d records, %v", name, len(answer.Records), err)
		}
	}
}
