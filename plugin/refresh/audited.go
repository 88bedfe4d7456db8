package refresh

import (
	"cmp"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
)

// FromAudit is what is needed of the record of a verdict.
func FromAudit(told audit.Record) Record {
	record := Record{
		Application: plugin.Application{
			Name: told.Application, Project: told.Project, SourceNamespace: told.SourceNamespace, Namespace: told.Namespace, Repository: told.Repository,
		},
		Path: told.Path, RepositoryPath: told.RepositoryPath, Revision: told.Revision, At: told.Time, Gate: told.GateDigest,
	}
	for _, image := range told.Images {
		kept := Image{Repository: image.Repository, Tag: image.Tag, Digest: image.Digest, Evidence: image.Evidence}
		switch image.DigestFrom {
		case plugin.DigestResolved, plugin.DigestStale:
			kept.Followed = image.Digest
		case plugin.DigestLocked:
			kept.Followed = image.RegistryDigest
		case plugin.DigestWritten: // whoever writes a digest follows no tag
		}
		record.Images = append(record.Images, kept)
	}
	for _, waiver := range told.Waivers {
		if waiver.Until.IsZero() {
			continue
		}
		record.Exceptions = append(record.Exceptions, Exception{Name: cmp.Or(waiver.Kind, "waiver") + " of " + waiver.Rule + " for " + waiver.Subject, Until: waiver.Until})
	}
	return record
}
