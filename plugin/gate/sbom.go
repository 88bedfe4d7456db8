package gate

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// SBOM asks for a bill of materials about the image: SPDX 2.2, 2.3 or 3.0, or
// CycloneDX 1.4 to 1.7, as JSON. One that lists nothing is none. What any
// accepted bill lists is in the image.
type SBOM struct {
	// MaxAge refuses a bill that was made longer ago.
	MaxAge Duration `yaml:"maxAge,omitempty"`
	// Makers are globs ("syft-*", "Tool: trivy*") of which one must match a tool,
	// person or organization that the bill says it was made by.
	Makers []string `yaml:"makers,omitempty"`
	// DenyPackages are packages that may not be in the image.
	DenyPackages []DeniedPackage `yaml:"denyPackages,omitempty"`
	// DenyLicenses are SPDX identifiers, or globs of them ("AGPL-*"). A choice
	// (OR) that has another branch is not denied.
	DenyLicenses []string `yaml:"denyLicenses,omitempty"`
	// Deny are rules in CEL over each component.
	Deny []ComponentRule `yaml:"deny,omitempty"`
}

// DeniedPackage is a package that may not be in an image.
type DeniedPackage struct {
	// PURL is a package URL without version, or a glob of it:
	// "pkg:deb/debian/openssl", "pkg:maven/org.apache.logging.log4j/*".
	PURL string `yaml:"purl"`
	// Versions are bounds that all hold: "<3.0.15", ">=2.0.0, <2.17.1". Empty is
	// every version. A version that cannot be compared is denied.
	Versions string `yaml:"versions,omitempty"`
	// Message says why.
	Message string        `yaml:"message,omitempty"`
	At      plugin.Origin `yaml:"-"`
}

// ComponentRule denies components.
type ComponentRule struct {
	Name string `yaml:"name"`
	// When is CEL that is true for a component that may not be there. It reads
	// component.name, version, purl, type, supplier (text) and licenses (a list
	// of SPDX expressions); older(a, b) compares two versions.
	When    string        `yaml:"when"`
	Message string        `yaml:"message,omitempty"`
	At      plugin.Origin `yaml:"-"`
}

// checkSBOM refuses what would match nothing, or everything by mistake.
func (c checker) checkSBOM(field string, sbom SBOM) {
	c.each(field+".makers", sbom.Makers, c.notBlank)
	c.each(field+".denyLicenses", sbom.DenyLicenses, c.notBlank)
	names := map[string]bool{}
	for i, rule := range sbom.Deny {
		if names[rule.Name] {
			c.bad(fmt.Sprintf("%s.deny[%d].name", field, i), fmt.Sprintf("there are two rules %q", rule.Name), "give each its own name")
		}
		names[rule.Name] = true
	}
}

// notBlank refuses white space around a glob, which would match nothing.
func (c checker) notBlank(field, glob string) {
	if strings.TrimSpace(glob) != glob {
		c.bad(field, fmt.Sprintf("%q has white space around it", glob), "take it out")
	}
}
