package predicate

import (
	"strings"
)

const (
	spdx3Concluded = "hasConcludedLicense"
	spdx3Declared  = "hasDeclaredLicense"
	spdxLicenseIRI = "https://spdx.org/licenses/"
)

// licenses are those that relationships give to packages: concluded ones, else
// declared ones.
func (g spdx3Graph) licenses() (map[string][]string, error) {
	byKind := map[string]map[string][]string{spdx3Concluded: {}, spdx3Declared: {}}
	for _, element := range g.elements {
		of, isLicense := byKind[element.Relationship]
		if !isLicense {
			continue
		}
		from, err := g.refer(element.From)
		if err != nil {
			return nil, err
		}
		to, err := g.refer(element.To)
		if err != nil {
			return nil, err
		}
		for _, one := range from {
			for _, license := range to {
				text, err := g.license(license, 0)
				if err != nil {
					return nil, err
				}
				if spdxSays(text) {
					of[one.ID] = append(of[one.ID], text)
				}
			}
		}
	}
	found := byKind[spdx3Declared]
	for id, concluded := range byKind[spdx3Concluded] {
		found[id] = concluded
	}
	return found, nil
}

// license is a licence element as an SPDX expression; empty for none.
func (g spdx3Graph) license(element spdx3Element, depth int) (string, error) {
	operator := map[string]string{"expandedlicensing_ConjunctiveLicenseSet": " AND ", "expandedlicensing_DisjunctiveLicenseSet": " OR "}[element.Type]
	switch {
	case depth > licenseDepth:
		return "", errNoLicense
	case element.Expression != "":
		return element.Expression, nil
	case operator == "":
		return licenseID(element), nil
	}
	members, err := g.refer(element.Members)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, member := range members {
		part, err := g.license(member, depth+1)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	return "(" + strings.Join(parts, operator) + ")", nil
}

// licenseID is the identifier of a listed licence, or the name of another. The
// individuals for "none" and "no assertion" say nothing.
func licenseID(element spdx3Element) string {
	if id, listed := strings.CutPrefix(element.ID, spdxLicenseIRI); listed {
		return id
	}
	if strings.HasSuffix(element.ID, "/NoneLicense") || strings.HasSuffix(element.ID, "/NoAssertionLicense") {
		return ""
	}
	if element.Name != "" {
		return element.Name
	}
	return element.ID
}
