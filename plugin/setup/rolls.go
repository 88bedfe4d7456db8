package setup

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Rolls lists the workloads whose Pods would be replaced because the gate
// changed their template: an image was pinned that the author had not pinned,
// or a setting was filled in. It reads the verdict; the cluster is not asked.
func Rolls(v *plugin.Verdict) []string {
	rolling := map[string]bool{}
	for _, image := range v.Images {
		if !v.Pinned || image.DigestFrom == plugin.DigestWritten || image.Digest == "" {
			continue
		}
		for _, use := range image.Uses {
			rolling[use.ID.String()] = true
		}
	}
	for _, finding := range v.Findings {
		if strings.HasPrefix(finding.Rule, "harden/") && finding.Now != "" && finding.Object.Kind != "Namespace" && finding.Object.Kind != "NetworkPolicy" {
			rolling[finding.Object.String()] = true
		}
	}
	names := make([]string, 0, len(rolling))
	for name := range rolling {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
