package predicate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// spdx3Element is what is read of an element of SPDX 3.0's JSON-LD graph. A
// property that refers to an element has its id, or holds it.
type spdx3Element struct {
	Type    string `json:"type"`
	ID      string `json:"spdxId"`
	Node    string `json:"@id"` // of blank nodes
	Name    string `json:"name"`
	Version string `json:"software_packageVersion"`
	PURL    string `json:"software_packageUrl"`
	Purpose string `json:"software_primaryPurpose"`
	// Root is a list, or a single one.
	Root         json.RawMessage `json:"rootElement"`
	CreationInfo json.RawMessage `json:"creationInfo"`
	SuppliedBy   json.RawMessage `json:"suppliedBy"`
	VerifiedBy   []spdx3Hash     `json:"verifiedUsing"`
	Identifiers  []struct {
		Type       string `json:"externalIdentifierType"`
		Identifier string `json:"identifier"`
	} `json:"externalIdentifier"`

	// Of CreationInfo.
	SpecVersion  string          `json:"specVersion"`
	Created      string          `json:"created"`
	CreatedBy    json.RawMessage `json:"createdBy"`
	CreatedUsing json.RawMessage `json:"createdUsing"`

	// Of Relationship.
	Relationship string          `json:"relationshipType"`
	From         json.RawMessage `json:"from"`
	To           json.RawMessage `json:"to"`

	// Of licences.
	Expression string          `json:"simplelicensing_licenseExpression"`
	Members    json.RawMessage `json:"expandedlicensing_member"`
}

type spdx3Hash struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"hashValue"`
}

// spdx3Graph is a document, by the ids of its elements.
type spdx3Graph struct {
	reader
	elements []spdx3Element
	byID     map[string]spdx3Element
}

const spdx3Context = "https://spdx.org/rdf/3.0"

func (r reader) spdx3(data []byte) (bill, error) {
	var document struct {
		Context any            `json:"@context"`
		Graph   []spdx3Element `json:"@graph"`
	}
	if err := r.read(data, &document); err != nil {
		return bill{}, err
	}
	if context, is := document.Context.(string); !is || !strings.HasPrefix(context, spdx3Context) {
		return bill{}, fmt.Errorf("its @context is not that of SPDX 3.0 (%s...)", spdx3Context)
	}
	if err := r.count("elements", len(document.Graph)); err != nil {
		return bill{}, err
	}
	graph := spdx3Graph{r, document.Graph, map[string]spdx3Element{}}
	for _, element := range document.Graph {
		for _, id := range []string{element.ID, element.Node} {
			if _, twice := graph.byID[id]; twice && id != "" {
				return bill{}, fmt.Errorf("two elements have the id %s", shorten(id))
			}
			graph.byID[id] = element
		}
	}
	delete(graph.byID, "")
	return graph.bill()
}

func (g spdx3Graph) bill() (bill, error) {
	documents := slices.DeleteFunc(slices.Clone(g.elements), func(e spdx3Element) bool { return e.Type != "SpdxDocument" })
	if len(documents) != 1 {
		return bill{}, fmt.Errorf("it has %d elements SpdxDocument, not one", len(documents))
	}
	found, err := g.creation(documents[0])
	if err != nil {
		return bill{}, err
	}
	roots, err := g.roots(documents[0])
	if err != nil {
		return bill{}, err
	}
	licenses, err := g.licenses()
	if err != nil {
		return bill{}, err
	}
	for _, element := range g.elements {
		if element.Type != "software_Package" {
			continue
		}
		url := element.purl()
		if roots[element.ID] && (strings.EqualFold(element.Purpose, "container") || parsePURL(url).isImage()) {
			element.about(&found)
			continue
		}
		component := Component{Name: element.Name, Version: element.Version, PURL: url, Type: element.Purpose, Licenses: licenses[element.ID]}
		suppliers, err := g.refer(element.SuppliedBy)
		if err != nil {
			return bill{}, err
		}
		for _, each := range suppliers {
			component.Supplier = each.Name
		}
		if err := found.add(g.reader, component); err != nil {
			return bill{}, err
		}
	}
	return found, nil
}

// refer finds the elements that a property refers to. One that is not in the
// graph has its id alone.
func (g spdx3Graph) refer(property json.RawMessage) ([]spdx3Element, error) {
	if len(property) == 0 {
		return nil, nil
	}
	list := []json.RawMessage{property}
	if property[0] == '[' {
		list = nil
		if err := g.read(property, &list); err != nil {
			return nil, err
		}
	}
	elements := make([]spdx3Element, len(list))
	for i, one := range list {
		if len(one) > 0 && one[0] == '{' {
			if err := g.read(one, &elements[i]); err != nil {
				return nil, err
			}
			continue
		}
		var id string
		if err := g.read(one, &id); err != nil {
			return nil, err
		}
		elements[i] = spdx3Element{ID: id}
		if known, is := g.byID[id]; is {
			elements[i] = known
		}
	}
	return elements, nil
}

// creation reads when, by whom and in which version the document was made.
func (g spdx3Graph) creation(document spdx3Element) (bill, error) {
	infos, err := g.refer(document.CreationInfo)
	if err != nil {
		return bill{}, err
	}
	if len(infos) != 1 || !strings.HasPrefix(infos[0].SpecVersion, "3.0.") {
		return bill{}, errors.New("its creationInfo does not say specVersion 3.0")
	}
	var found bill
	if found.made, err = readTime("creationInfo.created", infos[0].Created); err != nil {
		return bill{}, err
	}
	for _, property := range []json.RawMessage{infos[0].CreatedBy, infos[0].CreatedUsing} {
		who, err := g.refer(property)
		if err != nil {
			return bill{}, err
		}
		for _, each := range who {
			found.makers = append(found.makers, each.Name)
		}
	}
	return found, nil
}

// roots are the elements that the document is about: its root, or that of the
// bill (software_Sbom) that is its root.
func (g spdx3Graph) roots(document spdx3Element) (map[string]bool, error) {
	roots := map[string]bool{}
	elements, err := g.refer(document.Root)
	if err != nil {
		return nil, err
	}
	for _, each := range elements {
		roots[each.ID] = true
		inner, err := g.refer(each.Root)
		if err != nil {
			return nil, err
		}
		for _, one := range inner {
			roots[one.ID] = true
		}
	}
	return roots, nil
}

func (e spdx3Element) purl() string {
	if e.PURL != "" {
		return e.PURL
	}
	for _, each := range e.Identifiers {
		if each.Type == "packageUrl" || each.Type == "purl" {
			return each.Identifier
		}
	}
	return ""
}

func (e spdx3Element) about(found *bill) {
	found.about(e.Name, e.Version, e.purl())
	for _, hash := range e.VerifiedBy {
		if hash.Algorithm == "sha256" {
			found.about("sha256:" + strings.ToLower(hash.Value))
		}
	}
}
