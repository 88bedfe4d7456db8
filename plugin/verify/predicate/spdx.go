package predicate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// spdxDocument is what is read of SPDX 2.2 and 2.3 as JSON (SPDX 2.3, clauses 6,
// 7 and 11).
type spdxDocument struct {
	Version  string `json:"spdxVersion"`
	Creation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	} `json:"creationInfo"`
	Describes     []string           `json:"documentDescribes"`
	Packages      []spdxPackage      `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxPackage struct {
	ID        string `json:"SPDXID"`
	Name      string `json:"name"`
	Version   string `json:"versionInfo"`
	Supplier  string `json:"supplier"`
	Concluded string `json:"licenseConcluded"`
	Declared  string `json:"licenseDeclared"`
	Purpose   string `json:"primaryPackagePurpose"`
	Checksums []struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	} `json:"checksums"`
	References []struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	} `json:"externalRefs"`
}

type spdxRelationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

const spdxDocumentID = "SPDXRef-DOCUMENT"

// spdx reads SPDX of any version that is known.
func (r reader) spdx(data []byte) (bill, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return bill{}, errors.New("it is SPDX in tag-value form, or none: attest the JSON document (cosign attest --type spdxjson)")
	}
	var kind struct {
		Version string `json:"spdxVersion"`
		Context any    `json:"@context"`
	}
	if err := r.read(data, &kind); err != nil {
		return bill{}, err
	}
	switch {
	case kind.Version == "SPDX-2.2" || kind.Version == "SPDX-2.3":
		return r.spdx2(data)
	case kind.Version == "" && kind.Context != nil:
		return r.spdx3(data)
	}
	return bill{}, fmt.Errorf("its spdxVersion is %q; SPDX-2.2, SPDX-2.3 and SPDX 3.0 are read", shorten(kind.Version))
}

func (r reader) spdx2(data []byte) (bill, error) {
	var document spdxDocument
	if err := r.read(data, &document); err != nil {
		return bill{}, err
	}
	if err := r.count("relationships", len(document.Relationships)); err != nil {
		return bill{}, err
	}
	made, err := readTime("creationInfo.created", document.Creation.Created)
	if err != nil {
		return bill{}, err
	}
	found := bill{made: made, makers: document.Creation.Creators}
	roots := document.roots()
	for _, one := range document.Packages {
		if roots[one.ID] && one.isImage() {
			one.about(&found)
			continue
		}
		if err := found.add(r, one.component()); err != nil {
			return bill{}, err
		}
	}
	return found, nil
}

// roots are the packages that the document is about.
func (d spdxDocument) roots() map[string]bool {
	roots := map[string]bool{}
	for _, id := range d.Describes {
		roots[id] = true
	}
	for _, each := range d.Relationships {
		switch {
		case each.From == spdxDocumentID && each.Type == "DESCRIBES":
			roots[each.To] = true
		case each.To == spdxDocumentID && each.Type == "DESCRIBED_BY":
			roots[each.From] = true
		}
	}
	return roots
}

func (p spdxPackage) purl() string {
	for _, each := range p.References {
		if each.Type == "purl" {
			return each.Locator
		}
	}
	return ""
}

func (p spdxPackage) isImage() bool {
	return p.Purpose == "CONTAINER" || parsePURL(p.purl()).isImage() || isDigest(p.Name) || isDigest(p.Version)
}

func (p spdxPackage) about(found *bill) {
	found.about(p.Name, p.Version, p.purl())
	for _, sum := range p.Checksums {
		if sum.Algorithm == "SHA256" {
			found.about("sha256:" + strings.ToLower(sum.Value))
		}
	}
}

func (p spdxPackage) component() Component {
	component := Component{Name: p.Name, Version: p.Version, PURL: p.purl(), Type: p.Purpose}
	if spdxSays(p.Supplier) {
		_, name, _ := strings.Cut(p.Supplier, ":") // "Organization: Debian"
		component.Supplier = strings.TrimSpace(cmp.Or(name, p.Supplier))
	}
	for _, license := range []string{p.Concluded, p.Declared} {
		if spdxSays(license) {
			component.Licenses = []string{license}
			break
		}
	}
	return component
}

// spdxSays reports whether a field says anything (SPDX 2.3, clause 7).
func spdxSays(text string) bool { return !slices.Contains([]string{"", "NOASSERTION", "NONE"}, text) }
