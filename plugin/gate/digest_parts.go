package gate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// Digests name what the configuration says about single applications: a gate
// that does not apply to an application changes nothing for it.
type Digests struct {
	config *Config
	// gates has the digest of each gate by its name.
	gates map[string]string
}

// Digests hashes each gate with everything that decides under it: its waivers,
// the trust rules that it chooses and their trust roots, the policies that it
// chooses, params, and the files that these name, which are read now. Comments,
// the order of files and where they lie do not matter. What may decide without
// being named, such as a param that a binding selects, counts for every gate.
func (c *Config) Digests() (*Digests, error) {
	files := map[string][]string{}
	for _, named := range c.files {
		lines, err := named.lines(plugin.DefaultLimits().TreeBytes)
		if err != nil {
			return nil, fmt.Errorf("reading what the gate's configuration names: %w", err)
		}
		files[named.by] = append(files[named.by], lines...)
	}
	d := &Digests{config: c, gates: map[string]string{}}
	for _, gate := range c.Gates {
		var lines []string
		for _, key := range c.keysOf(gate) {
			lines = append(lines, key)
			lines = append(lines, c.parts[key]...)
			lines = append(lines, files[key]...)
		}
		for _, document := range c.documentsOf(gate) {
			lines = append(lines, fmt.Sprintf("%s %s/%s\x00%x", document.Kind, document.Namespace, document.Name, sha256.Sum256(document.JSON)))
		}
		d.gates[gate.Metadata.Name] = digestLines(lines)
	}
	return d, nil
}

// For is "sha256:<hex>" over the gates of one application, chosen as [Config.Select]
// does; of an application that no gate covers, over all gates, as a change of
// any may cover it.
func (d *Digests) For(app plugin.Application, paths ...string) string {
	gates, err := d.config.Select(app, paths...)
	if err != nil {
		gates = d.config.Gates
	}
	var lines []string
	for _, gate := range gates {
		lines = append(lines, gate.Metadata.Name+"\x00"+d.gates[gate.Metadata.Name])
	}
	return digestLines(lines)
}

func digestLines(lines []string) string {
	slices.Sort(lines)
	whole := sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "\n")))
	return "sha256:" + hex.EncodeToString(whole[:])
}

func (g Gate) key() string               { return "Gate/" + g.Metadata.Name }
func (p ClusterImagePolicy) key() string { return "ClusterImagePolicy/" + p.Metadata.Name }
func (r TrustRoot) key() string          { return "TrustRoot/" + r.Metadata.Name }

// keysOf are the documents that this package reads and that decide under a gate.
func (c *Config) keysOf(gate Gate) []string {
	keys, roots := []string{gate.key()}, map[string]bool{}
	for _, policy := range slices.Concat(c.PoliciesOf(gate), c.WitnessesOf(gate)) {
		keys = append(keys, policy.key())
		for _, authority := range policy.Spec.Authorities {
			for _, name := range authority.roots() {
				roots[name] = true
			}
		}
	}
	for _, root := range c.TrustRoots {
		if roots[root.Metadata.Name] {
			keys = append(keys, root.key())
		}
	}
	return keys
}

// roots are the names of the trust roots that an authority verifies by.
func (a Authority) roots() []string {
	var names []string
	if a.Keyless != nil {
		names = append(names, cmp.Or(a.Keyless.TrustRootRef, PublicGood))
	}
	if a.CTLog != nil {
		names = append(names, cmp.Or(a.CTLog.TrustRootRef, PublicGood))
	}
	if a.RFC3161Timestamp != nil {
		names = append(names, cmp.Or(a.RFC3161Timestamp.TrustRootRef, PublicGood))
	}
	return names
}

// documentsOf are the documents that may decide under a gate: all but the
// policies that it does not choose, and their bindings.
func (c *Config) documentsOf(gate Gate) []Document {
	judges := func(policy string) bool {
		return len(gate.Spec.Judge.Policies) == 0 || slices.Contains(gate.Spec.Judge.Policies, policy)
	}
	var chosen []Document
	for _, document := range c.Documents {
		name, bound := document.PolicyName(), document.bindingOf()
		switch {
		case document.IsMutation() && !gate.mutates(cmp.Or(bound, document.Name)):
		case !document.IsMutation() && (name != "" && !judges(name) || bound != "" && !judges(bound)):
		default:
			chosen = append(chosen, document)
		}
	}
	return chosen
}

// bindingOf is the policy that a binding of an admission policy names; empty of
// every other document.
func (d Document) bindingOf() string {
	if d.Kind != "ValidatingAdmissionPolicyBinding" && d.Kind != mutatingKind+"Binding" {
		return ""
	}
	var read struct {
		Spec struct {
			PolicyName string
		}
	}
	// What cannot be decoded names none, and counts for every gate.
	_ = json.Unmarshal(d.JSON, &read)
	return read.Spec.PolicyName
}

// sumParts hashes what each document says. Documents that others decode are
// hashed as the JSON that is kept of them.
func (l *loading) sumParts() {
	parts := map[string][]string{}
	add := func(key string, doc *document) {
		sum := sha256.New()
		writeNode(sum, doc.root)
		parts[key] = append(parts[key], fmt.Sprintf("says %x", sum.Sum(nil)))
	}
	for i, gate := range l.config.Gates {
		add(gate.key(), l.gates[i])
	}
	for i, policy := range l.config.ImagePolicies {
		add(policy.key(), l.policies[i])
	}
	for i, root := range l.config.TrustRoots {
		add(root.key(), l.roots[i])
	}
	for _, file := range l.waivers {
		add(Gate{Metadata: Metadata{Name: file.waivers.Spec.Gate}}.key(), file.doc)
	}
	l.config.parts = parts
}

// writeNode writes the content of a node, without its comments, its style and
// its lines. How far aliases unfold was bounded when the document was read.
func writeNode(w io.Writer, node *yaml.Node) {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		writeNode(w, node.Alias)
		return
	}
	fmt.Fprintf(w, "%d %s %q %d\n", node.Kind, node.ShortTag(), node.Value, len(node.Content))
	for _, child := range node.Content {
		writeNode(w, child)
	}
}
