package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin/audit/reports"
)

// Pages is how the sidecars' store of reports is asked; *reports.Client is one.
// Whichever sidecar answers asks the others.
type Pages interface {
	Page(ctx context.Context, limit int, after string, records bool) (reports.Page, error)
}

// Sidecars are the records of the sidecars' store.
type Sidecars struct{ Pages Pages }

// Bounds for asking. A page's records have 256 KiB at most, and few have that many.
const (
	pageSize  = 100
	mostPages = 1000
)

// Read implements Records. A page that does not come makes all of it an error: a
// part would look as if the others had no record.
func (s Sidecars) Read(ctx context.Context) (Answer, error) {
	var answer Answer
	after := ""
	for range mostPages {
		page, err := s.Pages.Page(ctx, pageSize, after, true)
		if err != nil {
			return Answer{}, fmt.Errorf("reading the sidecars' records: %w", err)
		}
		answer.add(page)
		if page.Next == "" {
			return answer.sorted(), nil
		}
		if page.Next <= after {
			return Answer{}, errors.New("reading the sidecars' records: the pages do not come to an end")
		}
		after = page.Next
	}
	return Answer{}, fmt.Errorf("reading the sidecars' records: there are more than %d pages", mostPages)
}

func (a *Answer) add(page reports.Page) {
	for _, application := range page.Applications {
		for _, record := range application.Records {
			a.Records = append(a.Records, FromAudit(record))
		}
	}
	a.Gates = append(a.Gates, page.Gates...)
	for _, silent := range page.Silent {
		a.Silent = append(a.Silent, silent.Address)
	}
}

// sorted tells each gate and each silent sidecar once.
func (a Answer) sorted() Answer {
	slices.Sort(a.Gates)
	slices.Sort(a.Silent)
	a.Gates, a.Silent = slices.Compact(a.Gates), slices.Compact(a.Silent)
	return a
}
