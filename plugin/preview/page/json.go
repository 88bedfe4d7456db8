package page

import (
	"io"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// writeJSON writes the report as it is; its form is docs/schema/diff.json.
func writeJSON(w io.Writer, r change.Report, _ Options) error {
	if r.Applications == nil {
		r.Applications = []change.Application{}
	}
	if r.Gates == nil {
		r.Gates = []string{}
	}
	return report.WriteJSON(w, r)
}
