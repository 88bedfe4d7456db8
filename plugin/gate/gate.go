// Package gate is the gate's configuration: what the platform team wrote, read
// strictly, checked once, and never taken from the application's repository.
//
// It holds no rule and talks to nobody. [Load] reads files, [Config.Select]
// chooses the gates of an application, [Combine] says what they mean together;
// plugin/setup turns the result into a pipeline.
package gate

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// APIVersion is the version of our own kinds.
const APIVersion = "assay.dev/v1alpha1"

// Gate is the glue between the ecosystem's formats, and what has no format
// yet (kind: Gate).
type Gate struct {
	Metadata Metadata
	Spec     Spec
	// At is where the gate was read.
	At plugin.Origin
}

// Metadata is the part of Kubernetes' object metadata that is read.
type Metadata struct {
	Name        string            `yaml:"name"`
	Namespace   string            `yaml:"namespace,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// Spec is a gate's body. What a base gate leaves out takes the strict value;
// what another gate leaves out it has no opinion on. docs/gate.md has the rule
// of every field.
type Spec struct {
	// Base marks a gate that alone may cover an application; the others add to
	// base gates.
	Base bool `yaml:"base,omitempty"`
	// Selector chooses applications; an empty selector matches all.
	Selector Selector `yaml:"selector,omitempty"`
	// Switches roll the gate out in steps.
	Switches Switches `yaml:"switches,omitempty"`
	// Lock says how images.lock.yaml is used.
	Lock Lock `yaml:"lock,omitempty"`
	// Images declares image fields and required platforms.
	Images Images `yaml:"images,omitempty"`
	// Trust says which ClusterImagePolicies of the configuration apply, and
	// what an image that none covers means.
	Trust Trust `yaml:"trust,omitempty"`
	// VEX says whose word takes a vulnerability out of a scan.
	VEX *VEX `yaml:"vex,omitempty"`
	// Evidence says what must be attested about images: how they were built.
	Evidence []Evidence `yaml:"evidence,omitempty"`
	// Profile hardens: "profile/baseline@1", "profile/restricted@1",
	// "profile/openshift@1", "none".
	Profile string `yaml:"profile,omitempty"`
	// Harden fills in more than the profile does.
	Harden Harden `yaml:"harden,omitempty"`
	// Mutate says which MutatingAdmissionPolicies of the configuration apply.
	Mutate Mutate `yaml:"mutate,omitempty"`
	// Judge says which rules objects must pass.
	Judge Judge `yaml:"judge,omitempty"`
	// Registries says how hosts are reached and with which credentials.
	Registries []Registry `yaml:"registries,omitempty"`
	// TenantCredentials are the only repositories for which the pull secret of a
	// GatedSource's own namespace is used (Flux).
	TenantCredentials []TenantCredential `yaml:"tenantCredentials,omitempty"`
	// Charts says where chart dependencies may come from.
	Charts Charts `yaml:"charts,omitempty"`
	// Platform marks applications of the platform itself, which self does not
	// bind. It needs a selector.
	Platform bool `yaml:"platform,omitempty"`
	// ProtectedNamespaces are added to those that self protects.
	ProtectedNamespaces []string `yaml:"protectedNamespaces,omitempty"`
	// Namespaces describes destination namespaces for rules that look at them.
	Namespaces []Namespace `yaml:"namespaces,omitempty"`
	// Waivers turn denials into warnings until a day.
	Waivers []Waiver `yaml:"waivers,omitempty"`
	// WaiverTerms bounds the waivers of all gates that apply.
	WaiverTerms WaiverTerms `yaml:"waiverTerms,omitempty"`
	// BreakGlass opens the gate for one application and revision.
	BreakGlass []BreakGlass `yaml:"breakGlass,omitempty"`
	// Freshness bounds how long tags and referrer lists are believed.
	Freshness Freshness `yaml:"freshness,omitempty"`
	// Limits changes defaults of the table in docs/limits.md, by name.
	Limits map[string]int64 `yaml:"limits,omitempty"`
}

// Selector matches when every list that is not empty has a glob ("*" within a
// segment, "**" across) that matches the application's attribute. An attribute
// that the door did not give matches.
type Selector struct {
	Projects     []string `yaml:"projects,omitempty"`
	Namespaces   []string `yaml:"namespaces,omitempty"`   // of the GatedSource (Flux)
	Applications []string `yaml:"applications,omitempty"` // names; only in gates that are not base
	Repositories []string `yaml:"repositories,omitempty"` // only in gates that are not base
	Paths        []string `yaml:"paths,omitempty"`        // only in gates that are not base
}

// Switch is "On" or "Off"; the zero value is on.
type Switch string

// The switch's values.
const (
	On  Switch = "On"
	Off Switch = "Off"
)

// IsOn reports whether the switch is on. Anything but Off is.
func (s Switch) IsOn() bool { return s != Off }

// Switches are the three steps of a roll-out. All off is called audit.
type Switches struct {
	Pin    Switch `yaml:"pin,omitempty" enum:"On,Off"`
	Harden Switch `yaml:"harden,omitempty" enum:"On,Off"`
	Deny   Switch `yaml:"deny,omitempty" enum:"On,Off"`
}

// Lock says how the application's images.lock.yaml is used.
type Lock struct {
	// Mode is "Locked" (a tag needs an entry) or "Resolve" (the registry decides
	// where there is none). Empty takes the door's default.
	Mode string `yaml:"mode,omitempty" enum:"Locked,Resolve"`
	// Drift is "Ignore", "Warn" or "Deny" (default) when a locked tag has moved.
	Drift string `yaml:"drift,omitempty" enum:"Deny,Warn,Ignore"`
	// MaxBuildAge denies a locked image whose config was created longer ago.
	MaxBuildAge Duration `yaml:"maxBuildAge,omitempty"`
	// FollowTags has assay refresh ask registries what the tags of applications
	// mean, and have those rendered anew whose tags have moved.
	FollowTags bool `yaml:"followTags,omitempty"`
}

// Images declares what the finder cannot know.
type Images struct {
	Fields []ImageField `yaml:"fields,omitempty"`
	// Undeclared is "Deny" (default), "Warn" or "Ignore" for places that look
	// like images and are declared nowhere.
	Undeclared string `yaml:"undeclared,omitempty" enum:"Deny,Warn,Ignore"`
	// Platforms ("linux/amd64") must each be in an image's index.
	Platforms []string `yaml:"platforms,omitempty"`
	// Allowed are the only places that images may come from, by their
	// repository: "registry.example.com", or a glob such as
	// "ghcr.io/team-a/**". Empty allows all that a trust rule accepts.
	Allowed []string `yaml:"allowed,omitempty"`
}

// ImageField declares an image field of a custom resource; see
// plugin.ImageField.
type ImageField struct {
	Group  string `yaml:"group,omitempty"`
	Kind   string `yaml:"kind"`
	Path   string `yaml:"path"`
	Tag    string `yaml:"tag,omitempty"`
	Digest string `yaml:"digest,omitempty"`
	Prefix string `yaml:"prefix,omitempty"`
}

// Trust chooses trust rules.
type Trust struct {
	// Policies are names of ClusterImagePolicies; empty means all that the
	// configuration holds.
	Policies []string `yaml:"policies,omitempty"`
	// NoMatch is "Deny" (default) or "Warn" for an image that no policy covers.
	NoMatch string `yaml:"noMatch,omitempty" enum:"Deny,Warn"`
	// Platforms says what must be verified of an index: "Index" (default),
	// "AllLeaves", "Either".
	Platforms string `yaml:"platforms,omitempty" enum:"Index,AllLeaves,Either"`
	// Notation trusts signatures of the Notary Project.
	Notation *Notation `yaml:"notation,omitempty"`
}

// Notation names trust policies and trust stores in Notation's own formats.
type Notation struct {
	// TrustPolicy is a trust policy document for OCI artifacts (version 1.0),
	// relative to the gate's file: "trustpolicy.json".
	TrustPolicy string `yaml:"trustPolicy"`
	// TrustStore is a folder with x509/ca, x509/signingAuthority and x509/tsa,
	// relative to the gate's file.
	TrustStore string `yaml:"trustStore"`
	// BesideSigstore says what an image needs that ClusterImagePolicies cover,
	// too: "Both" (default), or "Either" is enough.
	BesideSigstore string `yaml:"besideSigstore,omitempty" enum:"Both,Either"`
	// Revocation says which services may be asked whether a certificate was
	// revoked.
	Revocation Revocation `yaml:"revocation,omitempty"`
}

// Revocation is about the services that certificates name for it (OCSP, CRL).
type Revocation struct {
	// Hosts are those that may be asked, as certificates name them:
	// "ocsp.example.com". What only another host knows stays undetermined. Hosts
	// without a public address also need an entry in registries with private:
	// true.
	Hosts []string `yaml:"hosts,omitempty"`
}

// Judge chooses rules over objects.
type Judge struct {
	// PodSecurity is the gate's own minimum, which no label lowers.
	PodSecurity *PodSecurity `yaml:"podSecurity,omitempty"`
	// Packs are shipped packs by version: "pack/supply-chain@1".
	Packs []string `yaml:"packs,omitempty"`
	// Policies are names of ValidatingAdmissionPolicies and of Kyverno's
	// policies, and constraints of Gatekeeper as "Kind/name"; empty means all that
	// the configuration holds and that are bound.
	Policies []string `yaml:"policies,omitempty"`
	// Rego judges by plain Rego in conftest's conventions.
	Rego *Rego `yaml:"rego,omitempty"`
	// InventoryComplete takes the rendered objects for everything that a
	// constraint may compare with (data.inventory); the cluster's own are not
	// seen.
	InventoryComplete bool `yaml:"inventoryComplete,omitempty"`
	// Rules sets the level of single rules.
	Rules []RuleLevel `yaml:"rules,omitempty"`
	// Indeterminate is "Deny" (default) or "Warn" for rules that cannot be
	// decided offline.
	Indeterminate string `yaml:"indeterminate,omitempty" enum:"Deny,Warn"`
	// TrustObjectLabels lets policies select by labels that the application
	// writes.
	TrustObjectLabels bool `yaml:"trustObjectLabels,omitempty"`
	// PodSecurityAdmission mirrors what the API server was told of Pod Security.
	PodSecurityAdmission *PodSecurityAdmission `yaml:"podSecurityAdmission,omitempty"`
	// Deployer is who will apply the application; without it, what a policy asks
	// about the user cannot be decided.
	Deployer *Deployer `yaml:"deployer,omitempty"`
}

// Rego names files of plain Rego. Paths are relative to the gate's file and stay
// in its folder.
type Rego struct {
	// Files are *.rego files and folders of them; *_test.rego is passed over.
	Files []string `yaml:"files"`
	// Data are JSON and YAML files that the rules read as data, and folders of
	// them, whose subfolders are keys.
	Data []string `yaml:"data,omitempty"`
	// Namespaces are the packages whose rules deny, violation and warn are
	// asked; main without any.
	Namespaces []string `yaml:"namespaces,omitempty"`
	// Combine asks once about all objects, as a list of path and contents.
	Combine bool `yaml:"combine,omitempty"`
	// V0 reads the files as Rego v0 (default v1).
	V0 bool `yaml:"v0,omitempty"`
}

// Packages are the namespaces that are asked.
func (r Rego) Packages() []string {
	if len(r.Namespaces) == 0 {
		return []string{"main"}
	}
	return r.Namespaces
}

// Has reports whether a rule's name, package/rule, is of one of the namespaces.
func (r Rego) Has(rule string) bool {
	namespace, _, _ := strings.Cut(rule, "/")
	return slices.Contains(r.Packages(), namespace)
}

// PodSecurity is a Pod Security level and version.
type PodSecurity struct {
	Level   string `yaml:"level" enum:"privileged,baseline,restricted"`
	Version string `yaml:"version,omitempty"` // "latest" (default) or "v1.31"
	// HonourExemptions lets podSecurityAdmission.exemptions lower this level
	// too. The application writes runtimeClassName and, as far as the project
	// lets it, the namespace.
	HonourExemptions bool `yaml:"honourExemptions,omitempty"`
}

// RuleLevel sets one rule's level: "Deny", "Warn" or "Off".
type RuleLevel struct {
	Rule  string `yaml:"rule"`
	Level string `yaml:"level" enum:"Deny,Warn,Off"`
}

// Registry says how one host, or a prefix of its repositories, is reached.
type Registry struct {
	// Host is "registry.example.com" or with a port.
	Host string `yaml:"host"`
	// Prefix limits credentials to repositories below it: "team-a/".
	Prefix string `yaml:"prefix,omitempty"`
	// Private allows addresses that are not public.
	Private bool `yaml:"private,omitempty"`
	// PlainHTTP talks HTTP; only for loopback and private hosts.
	PlainHTTP bool `yaml:"plainHTTP,omitempty"`
	// Credentials names where the credential is.
	Credentials *Credentials `yaml:"credentials,omitempty"`
	// CA is a file of PEM certificates, relative to the gate's file.
	CA string `yaml:"ca,omitempty"`
	// Mirrors give the bytes: "mirror.example.com/prefix"; names stay Host's.
	Mirrors []string `yaml:"mirrors,omitempty"`
	// MirrorsOnly never asks Host itself, as where there is no way to it; what
	// no mirror has is not there.
	MirrorsOnly bool `yaml:"mirrorsOnly,omitempty"`
	// At is the entry's own line; files it names are relative to At.File.
	At plugin.Origin `yaml:"-"`
}

// Credentials is one of its fields.
type Credentials struct {
	// DockerConfig is a docker config.json, relative to the gate's file.
	DockerConfig string `yaml:"dockerConfig,omitempty"`
	// UsernameFile and PasswordFile hold one value each.
	UsernameFile string `yaml:"usernameFile,omitempty"`
	PasswordFile string `yaml:"passwordFile,omitempty"`
	// Keychain is a cloud's: "ecr", "acr", "gar"; used for its own hosts only.
	Keychain string `yaml:"keychain,omitempty" enum:"ecr,acr,gar"`
}

// Charts limits where chart dependencies come from.
type Charts struct {
	// Hosts from which dependencies that are not vendored may be fetched. A chart
	// from a registry (oci://) needs a trust rule for its repository, as an image
	// does; an https:// repository has nothing to verify but the digest in
	// images.lock.yaml.
	Hosts []string `yaml:"hosts,omitempty"`
}

// Namespace describes a destination namespace.
type Namespace struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels,omitempty"`
	// Owned marks a namespace that its application owns.
	Owned bool `yaml:"owned,omitempty"`
}

// Freshness bounds belief in mutable answers of registries.
type Freshness struct {
	FreshFor Duration `yaml:"freshFor,omitempty"` // default 5m
	StaleFor Duration `yaml:"staleFor,omitempty"` // default 24h
}
