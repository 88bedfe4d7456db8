package setup

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// bundled is one document of a bundle.
type bundled struct {
	APIVersion string        `yaml:"apiVersion"`
	Kind       string        `yaml:"kind"`
	Metadata   gate.Metadata `yaml:"metadata"`
	Spec       any           `yaml:"spec"`
}

// The annotations of a bundled TrustRoot, for its reader.
const (
	annotationFrom    = "assay.dev/bundled-from"
	annotationExpires = "assay.dev/metadata-expires"
)

// TrustBundle is every trust rule and trust root of the configuration in one
// file that names no other and no address: keys and trusted roots are inside.
// It is a list of the gate's own kinds, loaded in the place of the documents
// that it was made of. It is JSON, so that a part of it is not read as a whole.
//
// A trust root of a mirror is what its copy says now, which has to be good;
// without one there is no bundle (*plugin.StageError). A key in a key service
// is refused, as it has no file.
func (s *Setup) TrustBundle() ([]byte, error) {
	config := s.options.Config
	items := []bundled{}
	var problems []error
	for _, root := range config.TrustRoots {
		item, err := s.bundledRoot(root)
		problems, items = append(problems, err), append(items, item)
	}
	for _, policy := range config.ImagePolicies {
		authorities, err := bundledAuthorities(policy)
		problems = append(problems, err)
		policy.Spec.Authorities = authorities
		items = append(items, bundled{"policy.sigstore.dev/v1beta1", "ClusterImagePolicy", policy.Metadata, policy.Spec})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, errors.New("bundling trust: the configuration has neither a TrustRoot nor a ClusterImagePolicy")
	}
	text, err := yamlv3.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		return nil, fmt.Errorf("bundling trust: %w", err)
	}
	flat, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("bundling trust: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, flat, "", "  "); err != nil {
		return nil, fmt.Errorf("bundling trust: %w", err)
	}
	out.WriteByte('\n')
	if _, err := gate.Parse("bundle", out.Bytes()); err != nil {
		return nil, fmt.Errorf("bundling trust: the bundle does not load: %w", err)
	}
	return out.Bytes(), nil
}

// TakeAlong are the files and folders that Gate documents name and that no
// bundle holds, sorted: Notation's trust policies and trust stores, Rego and its
// data, and certificate authorities of registries. They go where the gate goes.
func (s *Setup) TakeAlong() []string {
	var names []string
	for _, each := range s.options.Config.Gates {
		var named []string
		if notation := each.Spec.Trust.Notation; notation != nil {
			named = append(named, notation.TrustPolicy, notation.TrustStore)
		}
		if rego := each.Spec.Judge.Rego; rego != nil {
			named = slices.Concat(named, rego.Files, rego.Data)
		}
		for _, registry := range each.Spec.Registries {
			if registry.CA != "" {
				named = append(named, registry.CA)
			}
		}
		for _, name := range named {
			names = append(names, beside(each.At, name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// bundledRoot holds the keys or the trusted root itself.
func (s *Setup) bundledRoot(root gate.TrustRoot) (bundled, error) {
	item := bundled{"policy.sigstore.dev/v1alpha1", "TrustRoot", root.Metadata, root.Spec}
	switch {
	case root.Spec.TrustedRootFile != "":
		data, err := readFile(beside(root.At, root.Spec.TrustedRootFile), plugin.DefaultLimits().FileBytes)
		if err != nil {
			return item, fmt.Errorf("%s: bundling TrustRoot %s: %w", root.At, root.Metadata.Name, err)
		}
		item.Spec = gate.TrustRootSpec{TrustedRoot: string(data)}
	case root.Spec.Remote != nil || root.Spec.Repository != nil:
		material := s.mirrors.material()[root.Metadata.Name]
		if why := material.Unusable(s.options.Clock()); why != "" {
			return item, &plugin.StageError{
				Stage: "verify", Subject: "TrustRoot " + root.Metadata.Name, Hint: "bundle it where its mirror can be reached", Cause: errors.New(why),
			}
		}
		item.Metadata.Annotations = map[string]string{
			annotationFrom: root.Spec.From(), annotationExpires: material.Ends.UTC().Format(time.RFC3339),
		}
		item.Spec = gate.TrustRootSpec{TrustedRoot: string(material.TrustedRoot)}
	}
	return item, nil
}

// beside is the path of a file that the configuration names.
func beside(at plugin.Origin, name string) string {
	return filepath.Join(filepath.Dir(filepath.FromSlash(at.File)), filepath.FromSlash(name))
}

// bundledAuthorities hold their keys. A file with several keys becomes several
// authorities, of which one is enough, too.
func bundledAuthorities(policy gate.ClusterImagePolicy) ([]gate.Authority, error) {
	var made []gate.Authority
	for _, authority := range policy.Spec.Authorities {
		switch key := authority.Key; {
		case key == nil || key.Data != "":
			made = append(made, authority)
		case key.KMS != "":
			return nil, fmt.Errorf("%s: bundling ClusterImagePolicy %s: the key %s is in a key service; write its public key in data", authority.At, policy.Metadata.Name, key.KMS)
		default:
			data, err := readFile(beside(policy.At, key.File), plugin.DefaultLimits().FileBytes)
			if err != nil {
				return nil, fmt.Errorf("%s: bundling ClusterImagePolicy %s: %w", authority.At, policy.Metadata.Name, err)
			}
			made = append(made, withKeys(authority, data)...)
		}
	}
	return made, nil
}

func withKeys(authority gate.Authority, data []byte) []gate.Authority {
	var made []gate.Authority
	taken := slices.Clone(data)
	for {
		block, rest := pem.Decode(taken)
		if block == nil {
			return made
		}
		taken = rest
		one, key := authority, *authority.Key
		key.File, key.Data = "", string(pem.EncodeToMemory(block))
		one.Key = &key
		if len(made) > 0 && one.Name != "" {
			one.Name = fmt.Sprintf("%s-%d", one.Name, len(made)+1)
		}
		made = append(made, one)
	}
}
