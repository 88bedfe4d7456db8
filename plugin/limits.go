package plugin

import (
	"fmt"
	"slices"
	"time"
)

// Limits bound everything that is read from a registry, an archive, a
// repository or a renderer. Going over one is a refusal that names it; nothing
// is ever cut short in silence. A gate changes a limit by its name in the
// table of [LimitTable].
type Limits struct {
	FileBytes          int64 // one file of the source tree
	TreeBytes          int64 // all files that one rendering reads
	RenderedBytes      int64 // one rendering
	RenderedObjects    int64 // objects in one rendering
	YAMLDepth          int64 // nesting of one document
	YAMLNodes          int64 // nodes of one document, aliases expanded
	ArchiveBytes       int64 // one chart archive, unpacked
	ArchiveFiles       int64 // files in one chart archive
	TemplateBytes      int64 // one text or value in the templates of an ApplicationSet
	RenderSeconds      int64 // one rendering in a worker
	RenderMemory       int64 // bytes of memory of a worker
	ManifestBytes      int64 // one registry manifest or index
	ConfigBytes        int64 // one image config
	Layers             int64 // layers of one image that are read
	LayerBytes         int64 // the read layers of one image together, as the registry has them
	LayerUnpackedBytes int64 // the same, unpacked
	LayerEntries       int64 // files in them
	PasswdBytes        int64 // one /etc/passwd or /etc/group in them
	ImageVolumes       int64 // volumes of one image that get an emptyDir
	BundleBytes        int64 // one signature bundle or attestation
	AttestedItems      int64 // components, vulnerabilities or statements of one attested document
	Referrers          int64 // referrers of one image
	LegacySignatures   int64 // layers of one .sig or .att manifest
	NotationSignatures int64 // Notation signatures of one image
	NotationBytes      int64 // one Notation envelope
	RevocationSeconds  int64 // all questions about revocation for one signature
	RevocationRequests int64 // requests for them
	RevocationBytes    int64 // one answer
	ManifestsPerIndex  int64 // leaves of one index
	Certificates       int64 // certificates in one chain
	RequestSeconds     int64 // one registry request, its body included
	RetryAfterSeconds  int64 // all waits of one request for a registry that asks for it
	Retries            int64 // tries after the first for one request
	RequestsPerHost    int64 // requests in flight to one host and credential
	CacheBytes         int64 // one cache of registry facts
	CacheDiskBytes     int64 // registry facts on disk
	RenderCacheBytes   int64 // rendered objects kept in memory
	FindingsPerVerdict int64 // findings in one report
	DiffObjects        int64 // changed objects of one application that a comparison lists
	DiffFields         int64 // their fields
	DiffFieldBytes     int64 // one side of one field
	DiffBytes          int64 // the values of all these fields together
	Revisions          int64 // revisions of one repository that are compared or named
	RevisionFiles      int64 // files of one of them
	RevisionBytes      int64 // files of all of them, equal ones once
}

// Limit is one row of the table.
type Limit struct {
	// Name is how a gate names it.
	Name string
	// Default is in Unit.
	Default int64
	Unit    string
	What    string
	field   func(*Limits) *int64
}

const (
	kibibyte = 1 << 10
	mebibyte = 1 << 20
)

// LimitTable is the one list of all limits, in the order of docs/limits.md.
func LimitTable() []Limit {
	return []Limit{
		{"fileBytes", 16 * mebibyte, "bytes", "one file of the source tree", func(l *Limits) *int64 { return &l.FileBytes }},
		{"treeBytes", 256 * mebibyte, "bytes", "all files that one rendering reads", func(l *Limits) *int64 { return &l.TreeBytes }},
		{"renderedBytes", 64 * mebibyte, "bytes", "one rendering", func(l *Limits) *int64 { return &l.RenderedBytes }},
		{"renderedObjects", 50_000, "objects", "objects in one rendering", func(l *Limits) *int64 { return &l.RenderedObjects }},
		{"yamlDepth", 500, "levels", "nesting of one document", func(l *Limits) *int64 { return &l.YAMLDepth }},
		{"yamlNodes", 2_000_000, "nodes", "nodes of one document, aliases expanded", func(l *Limits) *int64 { return &l.YAMLNodes }},
		{"archiveBytes", 64 * mebibyte, "bytes", "one chart archive, unpacked", func(l *Limits) *int64 { return &l.ArchiveBytes }},
		{"archiveFiles", 10_000, "files", "files in one chart archive", func(l *Limits) *int64 { return &l.ArchiveFiles }},
		{"templateBytes", mebibyte, "bytes", "one text or value in the templates of an ApplicationSet", func(l *Limits) *int64 { return &l.TemplateBytes }},
		{"renderSeconds", 30, "seconds", "one rendering in a worker process", func(l *Limits) *int64 { return &l.RenderSeconds }},
		{"renderMemory", 512 * mebibyte, "bytes", "memory of a worker process", func(l *Limits) *int64 { return &l.RenderMemory }},
		{"manifestBytes", 4 * mebibyte, "bytes", "one registry manifest or index", func(l *Limits) *int64 { return &l.ManifestBytes }},
		{"configBytes", 8 * mebibyte, "bytes", "one image config", func(l *Limits) *int64 { return &l.ConfigBytes }},
		{"layers", 127, "layers", "layers of one image that are read to learn its user's number", func(l *Limits) *int64 { return &l.Layers }},
		{"layerBytes", 128 * mebibyte, "bytes", "those layers together, as the registry has them", func(l *Limits) *int64 { return &l.LayerBytes }},
		{"layerUnpackedBytes", 1024 * mebibyte, "bytes", "those layers together, unpacked", func(l *Limits) *int64 { return &l.LayerUnpackedBytes }},
		{"layerEntries", 500_000, "files", "files in those layers together", func(l *Limits) *int64 { return &l.LayerEntries }},
		{"passwdBytes", mebibyte, "bytes", "one /etc/passwd or /etc/group of an image", func(l *Limits) *int64 { return &l.PasswdBytes }},
		{"imageVolumes", 32, "volumes", "volumes of one image at which hardening puts an emptyDir, `/tmp` included", func(l *Limits) *int64 { return &l.ImageVolumes }},
		{"bundleBytes", 16 * mebibyte, "bytes", "one signature bundle or attestation", func(l *Limits) *int64 { return &l.BundleBytes }},
		{"attestedItems", 100_000, "items", "components, vulnerabilities or VEX statements of one attested document", func(l *Limits) *int64 { return &l.AttestedItems }},
		{"referrers", 1_000, "referrers", "referrers of one image", func(l *Limits) *int64 { return &l.Referrers }},
		{"legacySignatures", 200, "layers", "layers of one .sig or .att manifest", func(l *Limits) *int64 { return &l.LegacySignatures }},
		{"notationSignatures", 100, "signatures", "Notation signatures of one image", func(l *Limits) *int64 { return &l.NotationSignatures }},
		{"notationBytes", mebibyte, "bytes", "one Notation envelope", func(l *Limits) *int64 { return &l.NotationBytes }},
		{"revocationSeconds", 10, "seconds", "all questions whether the certificates of one Notation signature were revoked", func(l *Limits) *int64 { return &l.RevocationSeconds }},
		{"revocationRequests", 20, "requests", "requests for those questions", func(l *Limits) *int64 { return &l.RevocationRequests }},
		{"revocationBytes", 8 * mebibyte, "bytes", "one answer to them, such as a revocation list", func(l *Limits) *int64 { return &l.RevocationBytes }},
		{"manifestsPerIndex", 200, "manifests", "leaves of one index", func(l *Limits) *int64 { return &l.ManifestsPerIndex }},
		{"certificates", 10, "certificates", "certificates in one chain", func(l *Limits) *int64 { return &l.Certificates }},
		{"requestSeconds", 30, "seconds", "one registry request, its body included", func(l *Limits) *int64 { return &l.RequestSeconds }},
		{"retryAfterSeconds", 60, "seconds", "all waits (Retry-After and between tries) of one request together", func(l *Limits) *int64 { return &l.RetryAfterSeconds }},
		{"retries", 3, "tries", "tries after the first for one request", func(l *Limits) *int64 { return &l.Retries }},
		{"requestsPerHost", 32, "requests", "requests in flight to one host and credential", func(l *Limits) *int64 { return &l.RequestsPerHost }},
		{"cacheBytes", 64 * mebibyte, "bytes", "one cache of registry facts", func(l *Limits) *int64 { return &l.CacheBytes }},
		{"cacheDiskBytes", 256 * mebibyte, "bytes", "the cache of registry facts on disk (the default alone counts)", func(l *Limits) *int64 { return &l.CacheDiskBytes }},
		{"renderCacheBytes", 64 * mebibyte, "bytes", "rendered objects kept in memory", func(l *Limits) *int64 { return &l.RenderCacheBytes }},
		{"findingsPerVerdict", 10_000, "findings", "findings in one report", func(l *Limits) *int64 { return &l.FindingsPerVerdict }},
		{"diffObjects", 10_000, "objects", "changed objects of one application that a comparison lists; the others are counted", func(l *Limits) *int64 { return &l.DiffObjects }},
		{"diffFields", 100_000, "fields", "their fields that are listed; the others are counted", func(l *Limits) *int64 { return &l.DiffFields }},
		{"diffFieldBytes", 64 * kibibyte, "bytes", "one side of one field; what is longer is cut, and says so", func(l *Limits) *int64 { return &l.DiffFieldBytes }},
		{"diffBytes", 4 * mebibyte, "bytes", "the values of these fields together; what is beyond is counted", func(l *Limits) *int64 { return &l.DiffBytes }},
		{"revisions", 20, "revisions", "revisions of one repository that a comparison opens: its two sides, and those that applications name", func(l *Limits) *int64 { return &l.Revisions }},
		{"revisionFiles", 200_000, "files", "files and folders of one revision that is compared", func(l *Limits) *int64 { return &l.RevisionFiles }},
		{"revisionBytes", 2 * 1024 * mebibyte, "bytes", "files of all revisions of one comparison, equal files once, those beyond fileBytes left out", func(l *Limits) *int64 { return &l.RevisionBytes }},
	}
}

// DefaultLimits are the defaults of the table.
func DefaultLimits() Limits {
	limits, err := NewLimits(nil)
	if err != nil {
		panic(err) // no override, no error
	}
	return limits
}

// NewLimits are the defaults with overrides by name. An unknown name and a
// value below 1 are errors.
func NewLimits(overrides map[string]int64) (Limits, error) {
	var limits Limits
	known := map[string]bool{}
	for _, limit := range LimitTable() {
		known[limit.Name] = true
		value, overridden := overrides[limit.Name]
		if !overridden {
			value = limit.Default
		}
		if value < 1 {
			return Limits{}, fmt.Errorf("setting limit %s: %d is below 1", limit.Name, value)
		}
		*limit.field(&limits) = value
	}
	names := make([]string, 0, len(overrides))
	for name := range overrides {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !known[name] {
			return Limits{}, fmt.Errorf("setting limit %s: there is no such limit; docs/limits.md lists them", name)
		}
	}
	return limits, nil
}

// RequestTimeout is RequestSeconds as a duration.
func (l Limits) RequestTimeout() time.Duration { return time.Duration(l.RequestSeconds) * time.Second }
