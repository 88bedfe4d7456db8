package gate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/assay-gitops/assay/plugin"
)

// Evidence is what must be attested about images beyond that somebody vouches
// for them. Entries add: an image must meet each that covers it.
type Evidence struct {
	// Name names the entry in messages.
	Name string `yaml:"name"`
	// Images are globs over references, as in a ClusterImagePolicy; without any,
	// the entry covers every image.
	Images []string `yaml:"images,omitempty"`
	// Signers are names of ClusterImagePolicies whose keys and identities may
	// attest, each about the images that its globs cover. Without any, every
	// policy of the gate that is enforced: one of mode warn has to be named.
	Signers []string `yaml:"signers,omitempty"`
	// Provenance says how an image must have been built.
	Provenance *Provenance `yaml:"provenance,omitempty"`
	// SBOM says what its bill of materials must be, and may not list.
	SBOM *SBOM `yaml:"sbom,omitempty"`
	// Scan says what a scan for vulnerabilities must be, and may not have found.
	Scan *Scan `yaml:"scan,omitempty"`
	// At is the entry's own line.
	At plugin.Origin `yaml:"-"`
}

// Provenance is what SLSA provenance (v0.2, v1) must say. Every field that is
// given must be met by one statement, and what the statement says must be what
// its signing certificate says.
type Provenance struct {
	// Builders may have built the image.
	Builders []Builder `yaml:"builders"`
	// MinLevel is the lowest SLSA build level, 1 to 3, that a builder must be
	// trusted for.
	MinLevel int64 `yaml:"minLevel,omitempty"`
	// Sources are globs over source repositories without scheme and ".git":
	// "github.com/team-a/*".
	Sources []string `yaml:"sources,omitempty"`
	// Refs are globs over the ref that was built: "refs/heads/main",
	// "refs/tags/v*".
	Refs []string `yaml:"refs,omitempty"`
	// TagRange asks that a tag was built whose version is in this range:
	// ">=1.2.0 <2.0.0".
	TagRange string `yaml:"tagRange,omitempty"`
	// TagEqualsImageTag asks that the tag that was built is the image's; a "v"
	// before either does not count.
	TagEqualsImageTag bool `yaml:"tagEqualsImageTag,omitempty"`
	// Workflows are globs over the path of what ran the build in the source
	// repository: ".github/workflows/release.yaml".
	Workflows []string `yaml:"workflows,omitempty"`
	// Events started the build: "push", "release".
	Events []string `yaml:"events,omitempty"`
	// Parameters are values that the build was started with, by their path in
	// externalParameters (v1) or invocation.parameters (v0.2): "inputs.release".
	Parameters map[string]string `yaml:"parameters,omitempty"`
	// MaxAge is the longest time since the build ended.
	MaxAge Duration `yaml:"maxAge,omitempty"`
}

// Builder is one builder and what it is trusted for.
type Builder struct {
	// ID is the builder's identity, exact or with "*" (no slash) and "**" (any
	// text): "https://github.com/actions/runner/github-hosted".
	ID string `yaml:"id"`
	// Level is the SLSA build level, 1 to 3, that the gate trusts it for; 1 when
	// it is not given.
	Level int64 `yaml:"level,omitempty"`
	// At is the builder's own line.
	At plugin.Origin `yaml:"-"`
}

// BuildLevel is the level that the gate trusts the builder for.
func (b Builder) BuildLevel() int64 { return max(b.Level, 1) }

// highestLevel is that of SLSA's build track (SLSA v1.1, levels).
const highestLevel = 3

func (l *loading) checkEvidence(c checker, gate Gate) {
	names := map[string]bool{}
	for i, entry := range gate.Spec.Evidence {
		at := fmt.Sprintf("spec.evidence[%d]", i)
		if names[entry.Name] {
			c.bad(at+".name", fmt.Sprintf("there are two entries %q", entry.Name), "rename one")
		}
		names[entry.Name] = true
		c.each(at+".images", entry.Images, func(field, glob string) {
			if _, err := (ImagePattern{Glob: glob}).Expression(); err != nil {
				c.bad(field, err.Error(), "use * within a segment and ** across segments")
			}
		})
		c.each(at+".signers", entry.Signers, func(field, name string) { l.checkSigner(c, field, name) })
		if len(entry.Signers) == 0 && !slices.ContainsFunc(l.config.PoliciesOf(gate), ClusterImagePolicy.attestsUnnamed) {
			c.bad(at, "nobody may attest: no ClusterImagePolicy of the gate that is enforced has a key or an identity", "load one, and name it in signers")
		}
		if !entry.demands() {
			c.bad(at, "asks for nothing", "write "+oneOf(demandFields()))
		}
		if entry.Provenance != nil {
			c.checkProvenance(at+".provenance", *entry.Provenance)
		}
		if entry.SBOM != nil {
			c.checkSBOM(at+".sbom", *entry.SBOM)
		}
		if entry.Scan != nil {
			c.checkScan(at+".scan", *entry.Scan)
		}
	}
}

// demandFields are the fields of [Evidence] that ask for something.
func demandFields() []string { return []string{"provenance", "sbom", "scan"} }

func (e Evidence) demands() bool { return e.Provenance != nil || e.SBOM != nil || e.Scan != nil }

// attests reports whether a policy trusts somebody to sign.
func (p ClusterImagePolicy) attests() bool {
	return slices.ContainsFunc(p.Spec.Authorities, func(a Authority) bool { return a.Static == nil })
}

// attestsUnnamed reports whether a policy's signers may attest where an entry
// names none: one that only warns is being tried out.
func (p ClusterImagePolicy) attestsUnnamed() bool { return p.attests() && p.Spec.Mode != "warn" }

func (l *loading) checkSigner(c checker, field, name string) {
	for _, policy := range l.config.ImagePolicies {
		if policy.Metadata.Name != name {
			continue
		}
		if !policy.attests() {
			c.bad(field, fmt.Sprintf("ClusterImagePolicy %q trusts nobody: it has neither a key nor an identity", name), "name one that has")
		}
		return
	}
	c.bad(field, fmt.Sprintf("there is no ClusterImagePolicy %q in the configuration", name), "load the file that holds it")
}

var sourceGlob = regexp.MustCompile(`^[A-Za-z0-9._~*-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~*+-]+)+$`)

func (c checker) checkProvenance(at string, provenance Provenance) {
	level := func(field string, value int64) {
		if value < 0 || value > highestLevel {
			c.bad(field, fmt.Sprintf("%d is no SLSA build level", value), "write 1, 2 or 3")
		}
	}
	highest := int64(0)
	for i, builder := range provenance.Builders {
		field := fmt.Sprintf("%s.builders[%d]", at, i)
		level(field+".level", builder.Level)
		if strings.Trim(builder.ID, "*/:") == "" && builder.ID != "" {
			c.bad(field+".id", fmt.Sprintf("%q accepts every builder", builder.ID), "write whom the gate trusts")
		}
		highest = max(highest, builder.BuildLevel())
	}
	level(at+".minLevel", provenance.MinLevel)
	if provenance.MinLevel <= highestLevel && provenance.MinLevel > highest && len(provenance.Builders) > 0 {
		c.bad(at+".minLevel", fmt.Sprintf("no builder is trusted for level %d", provenance.MinLevel), "set level on the builders that are")
	}
	c.each(at+".sources", provenance.Sources, func(field, glob string) {
		c.like(field, glob, sourceGlob, "write host and path without a scheme: github.com/team-a/*")
	})
	c.each(at+".refs", provenance.Refs, func(field, glob string) {
		if !strings.HasPrefix(glob, "refs/") {
			c.bad(field, fmt.Sprintf("%q is no full ref", glob), "write refs/heads/main or refs/tags/v*")
		}
	})
	c.each(at+".workflows", provenance.Workflows, func(string, string) {})
	c.each(at+".events", provenance.Events, func(string, string) {})
	if provenance.TagRange != "" {
		if _, err := semver.NewConstraint(provenance.TagRange); err != nil {
			c.bad(at+".tagRange", fmt.Sprintf("%q is no range of versions: %v", provenance.TagRange, err), `write ">=1.2.0 <2.0.0" or "~1.4"`)
		}
	}
}

// words say what an entry asks for.
func (e Evidence) words() string {
	text := e.Name + ", of " + listOr(e.Images, "every image") + ", by " + listOr(e.Signers, "every policy's keys and identities")
	var asked []string
	if e.Provenance != nil {
		var builders []string
		for _, builder := range e.Provenance.Builders {
			builders = append(builders, fmt.Sprintf("%s (level %d)", builder.ID, builder.BuildLevel()))
		}
		asked = append(asked, "provenance by "+strings.Join(builders, " or ")+" from "+listOr(e.Provenance.Sources, "any source"))
	}
	if e.SBOM != nil {
		asked = append(asked, "a bill of materials")
	}
	if e.Scan != nil {
		asked = append(asked, "a scan")
	}
	return text + ": " + strings.Join(asked, ", ")
}

// WitnessesOf are the ClusterImagePolicies that a gate names as signers of
// evidence or of exploitability and does not ask for themselves: they say whose
// statements count, and are required of no image.
func (c *Config) WitnessesOf(gate Gate) []ClusterImagePolicy {
	var named []string
	if gate.Spec.VEX != nil {
		named = slices.Clone(gate.Spec.VEX.Signers)
	}
	for _, entry := range gate.Spec.Evidence {
		named = append(named, entry.Signers...)
	}
	required := c.PoliciesOf(gate)
	var witnesses []ClusterImagePolicy
	for _, policy := range c.ImagePolicies {
		isRequired := slices.ContainsFunc(required, func(r ClusterImagePolicy) bool { return r.Metadata.Name == policy.Metadata.Name })
		if slices.Contains(named, policy.Metadata.Name) && !isRequired {
			witnesses = append(witnesses, policy)
		}
	}
	return witnesses
}
