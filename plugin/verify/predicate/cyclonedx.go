package predicate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// cdxDocument is what is read of CycloneDX 1.4 to 1.7 as JSON (ECMA-424).
type cdxDocument struct {
	Format   string `json:"bomFormat"`
	Version  string `json:"specVersion"`
	Metadata struct {
		Timestamp    string          `json:"timestamp"`
		Tools        json.RawMessage `json:"tools"`
		Authors      []cdxName       `json:"authors"`
		Manufacture  cdxName         `json:"manufacture"`
		Manufacturer cdxName         `json:"manufacturer"`
		Component    cdxComponent    `json:"component"`
	} `json:"metadata"`
	Components []cdxComponent `json:"components"`
}

type cdxName struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type cdxComponent struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Version    string            `json:"version"`
	PURL       string            `json:"purl"`
	Publisher  string            `json:"publisher"`
	Supplier   cdxName           `json:"supplier"`
	Licenses   []cdxLicense      `json:"licenses"`
	Hashes     []cdxHash         `json:"hashes"`
	Properties []cdxNameAndValue `json:"properties"`
	Components []cdxComponent    `json:"components"`
}

type cdxLicense struct {
	Expression string `json:"expression"`
	License    struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"license"`
}

type cdxHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type cdxNameAndValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (r reader) cycloneDX(data []byte) (bill, error) {
	var document cdxDocument
	if err := r.read(data, &document); err != nil {
		return bill{}, err
	}
	if document.Format != "CycloneDX" || !slices.Contains([]string{"1.4", "1.5", "1.6", "1.7"}, document.Version) {
		return bill{}, fmt.Errorf("its bomFormat is %q and its specVersion %q; CycloneDX 1.4 to 1.7 is read", shorten(document.Format), shorten(document.Version))
	}
	made, err := readTime("metadata.timestamp", document.Metadata.Timestamp)
	if err != nil {
		return bill{}, err
	}
	found := bill{made: made}
	if found.makers, err = r.cdxMakers(document); err != nil {
		return bill{}, err
	}
	document.Metadata.Component.about(&found)
	return found, r.addComponents(&found, append(document.Metadata.Component.Components, document.Components...))
}

// cdxMakers reads the tools, a list until 1.4 and an object of components since
// 1.5, and the people.
func (r reader) cdxMakers(document cdxDocument) ([]string, error) {
	var tools []cdxName
	if raw := document.Metadata.Tools; len(raw) > 0 && raw[0] == '[' {
		if err := r.read(raw, &tools); err != nil {
			return nil, fmt.Errorf("metadata.tools: %w", err)
		}
	} else if len(raw) > 0 {
		var parts struct {
			Components []cdxName `json:"components"`
			Services   []cdxName `json:"services"`
		}
		if err := r.read(raw, &parts); err != nil {
			return nil, fmt.Errorf("metadata.tools: %w", err)
		}
		tools = append(parts.Components, parts.Services...)
	}
	var makers []string
	for _, tool := range tools {
		makers = append(makers, tool.Name)
		if tool.Name != "" && tool.Version != "" {
			makers = append(makers, tool.Name+"-"+tool.Version)
		}
	}
	for _, who := range append(document.Metadata.Authors, document.Metadata.Manufacture, document.Metadata.Manufacturer) {
		makers = append(makers, who.Name)
	}
	return slices.DeleteFunc(makers, func(name string) bool { return name == "" }), nil
}

// addComponents adds components and those inside them.
func (r reader) addComponents(found *bill, components []cdxComponent) error {
	for _, each := range components {
		if err := found.add(r, each.component()); err != nil {
			return err
		}
		if err := r.addComponents(found, each.Components); err != nil {
			return err
		}
	}
	return nil
}

// about notes how the bill names its image. Trivy has the digest in a property.
func (c cdxComponent) about(found *bill) {
	url := parsePURL(c.PURL)
	if c.Type != "container" && !url.isImage() {
		return
	}
	found.about(c.PURL, c.Name, c.Version)
	for _, hash := range c.Hashes {
		if hash.Algorithm == "SHA-256" {
			found.about("sha256:" + strings.ToLower(hash.Content))
		}
	}
	for _, property := range c.Properties {
		if property.Name == "aquasecurity:trivy:RepoDigest" {
			found.about(property.Value)
		}
	}
}

func (c cdxComponent) component() Component {
	component := Component{Name: c.Name, Version: c.Version, PURL: c.PURL, Type: c.Type, Supplier: c.Supplier.Name}
	if component.Supplier == "" {
		component.Supplier = c.Publisher
	}
	for _, each := range c.Licenses {
		for _, text := range []string{each.Expression, each.License.ID, each.License.Name} {
			if text != "" {
				component.Licenses = append(component.Licenses, text)
				break
			}
		}
	}
	return component
}
