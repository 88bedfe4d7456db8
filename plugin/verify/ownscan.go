package verify

import (
	"context"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// reviewOwnScan lets the user's own scanner, where there is one, look at an
// image of which no demand asks for a scan: it judges what it finds by a demand
// that has all defaults. That there is no attested scan is nothing to tell.
func (s *session) reviewOwnScan(ctx context.Context, image plugin.Image, review *plugin.Review) {
	asked := slices.ContainsFunc(s.demands, func(d demand) bool {
		_, scans := d.Demand.(*predicate.Scan)
		return scans && d.covers(image)
	})
	if s.config.Scanner == nil || asked {
		return
	}
	demand, err := predicate.NewScan(gate.Scan{}, nil, s.config.Limits)
	if err != nil {
		panic(err) // the defaults are a demand
	}
	answer := demand.Judge(ctx, s.subject(vouched{imageAt: imageAt{image, image.Digest}}, nil), nil)
	for _, finding := range answer.Findings {
		review.Findings = append(review.Findings, placed(finding, image))
	}
}
