package gate

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// maxGlob bounds a selector's glob; two of them are compared in the product of
// their lengths.
const maxGlob = 300

func (l *loading) checkGate(c checker, gate Gate) {
	spec := gate.Spec
	c.checkSelector(spec)
	c.checkImages(spec.Images)
	c.checkJudge(spec)
	c.checkRegistries(spec.Registries)
	c.checkTenantCredentials(spec.TenantCredentials)
	c.each("spec.charts.hosts", spec.Charts.Hosts, c.host)
	c.likeAll("spec.protectedNamespaces", spec.ProtectedNamespaces, labelName, "write a namespace's name; globs are not read here")
	c.checkNamespaces(spec.Namespaces)
	c.checkWaiverTerms(spec.WaiverTerms)
	for i, waiver := range spec.Waivers {
		c.checkWaiver(fmt.Sprintf("spec.waivers[%d]", i), waiver, spec.WaiverTerms)
	}
	for i, entry := range spec.BreakGlass {
		c.checkBreakGlass(fmt.Sprintf("spec.breakGlass[%d]", i), entry)
	}
	for _, limit := range slices.Sorted(maps.Keys(spec.Limits)) {
		if _, err := plugin.NewLimits(map[string]int64{limit: spec.Limits[limit]}); err != nil {
			c.bad("spec.limits."+limit, err.Error(), "docs/limits.md lists names and units")
		}
	}
	if spec.VEX != nil {
		l.checkVEX(c, *spec.VEX)
	}
	if notation := spec.Trust.Notation; notation != nil {
		c.each("spec.trust.notation.revocation.hosts", notation.Revocation.Hosts, c.host)
	}
	l.checkEvidence(c, gate)
	l.checkNamed(c, "spec.trust.policies", spec.Trust.Policies, "ClusterImagePolicy")
	l.checkNamed(c, "spec.judge.policies", spec.Judge.Policies, judgeKinds()...)
	l.checkNamed(c, "spec.mutate.policies", spec.Mutate.Policies, mutatingKind)
}

// judgeKinds are the kinds of the policies that spec.judge.policies names;
// constraints are called Kind/name.
func judgeKinds() []string {
	return []string{"ValidatingAdmissionPolicy", "ValidatingPolicy", "NamespacedValidatingPolicy", "constraint"}
}

// checkNamed refuses names of policies that are not loaded. An empty list
// would read as "all" and look like "none".
func (l *loading) checkNamed(c checker, field string, names []string, kinds ...string) {
	if names != nil && len(names) == 0 {
		c.bad(field, "is an empty list, which would mean all", "leave it out for all, or name some")
	}
	loaded := map[string]bool{}
	for _, policy := range l.config.ImagePolicies {
		loaded["ClusterImagePolicy/"+policy.Metadata.Name] = true
	}
	for _, document := range l.config.Documents {
		if name := document.PolicyName(); name != "" {
			loaded[document.Kind+"/"+name] = true
			loaded["constraint/"+name] = document.IsConstraint()
		}
		if document.IsMutation() {
			loaded[document.Kind+"/"+document.Name] = true
		}
	}
	c.each(field, names, func(at, text string) {
		if !slices.ContainsFunc(kinds, func(kind string) bool { return loaded[kind+"/"+text] }) {
			c.bad(at, fmt.Sprintf("there is no %s %q in the configuration", strings.Join(kinds, " or "), text), "correct the name, or load the file that holds it")
		}
	})
}

func (c checker) checkSelector(spec Spec) {
	for _, list := range spec.Selector.attributes(plugin.Application{}) {
		field := "spec.selector." + list.field
		c.each(field, list.globs, c.glob)
		if list.globs != nil && len(list.globs) == 0 {
			c.bad(field, "is an empty list", "leave it out to match all, or write globs")
		}
		if spec.Base && !list.trusted && len(list.globs) > 0 {
			c.bad(field, "a base gate is chosen by what the platform controls: projects and namespaces", "move this to a gate without base: true, which adds to the base gate")
		}
	}
	if !spec.Platform {
		return
	}
	if !spec.Base {
		c.bad("spec.platform", "only a base gate may be the platform's; other gates add strictness, they take none away", "set base: true or take platform out")
	}
	if !narrow(spec.Selector.Projects) && !narrow(spec.Selector.Namespaces) {
		c.bad("spec.platform", "it switches self off, and the selector matches every application", "name the platform's own projects or namespaces in spec.selector")
	}
}

// narrow reports whether a list chooses anything.
func narrow(globs []string) bool {
	return len(globs) > 0 && !slices.ContainsFunc(globs, func(glob string) bool { return strings.Trim(glob, "*") == "" })
}

func (c checker) glob(field, glob string) {
	switch {
	case len(glob) > maxGlob:
		c.bad(field, fmt.Sprintf("the glob is longer than %d bytes", maxGlob), "shorten it")
	case strings.ContainsAny(glob, "?[]{}\\^$|"):
		c.bad(field, fmt.Sprintf("%q: only * (within a segment) and ** (across segments) are read", glob), "write one glob for each alternative")
	case strings.ContainsAny(glob, " \t\n"):
		c.bad(field, fmt.Sprintf("%q holds white space", glob), "take it out")
	}
}

func (c checker) checkImages(images Images) {
	c.likeAll("spec.images.platforms", images.Platforms, platform, "write os/architecture: linux/amd64")
	c.each("spec.images.allowed", images.Allowed, c.allowedImages)
	seen := map[ImageField]bool{}
	for i, image := range images.Fields {
		at := fmt.Sprintf("spec.images.fields[%d]", i)
		c.like(at+".group", image.Group, objectName, "write the API group without a version: example.com")
		c.like(at+".kind", image.Kind, kindName, "write the kind as in manifests: CamelCase")
		for _, path := range []struct{ field, value string }{{".path", image.Path}, {".tag", image.Tag}, {".digest", image.Digest}} {
			if strings.HasPrefix(path.value, ".") || strings.HasSuffix(path.value, ".") || strings.ContainsAny(path.value, " \t\n$") {
				c.bad(at+path.field, fmt.Sprintf("%q is no path", path.value), "write spec.containers[*].image, without a leading dot")
			}
		}
		if seen[image] {
			c.bad(at, "the same field is declared twice", "keep one")
		}
		seen[image] = true
	}
}

// allowedImages refuses a place without a registry's host, which would be read
// as Docker Hub's, and one for every host, which would allow everything.
func (c checker) allowedImages(field, place string) {
	host, rest, _ := strings.Cut(place, "/")
	switch {
	case strings.Contains(host, "*") || !strings.ContainsAny(host, ".:") && host != "localhost":
		c.bad(field, fmt.Sprintf("%q does not begin with a registry's host", place), "write registry.example.com/team-a/**, or docker.io/library/*")
	case strings.ContainsAny(rest, ":@"):
		c.bad(field, fmt.Sprintf("%q names a tag or a digest", place), "name repositories alone")
	default:
		c.glob(field, place)
	}
}

func (c checker) checkJudge(spec Spec) {
	judge := spec.Judge
	if spec.Profile != "none" {
		c.like("spec.profile", spec.Profile, profileName, "write profile/restricted@1, profile/baseline@1, profile/openshift@1 or none")
	}
	c.each("spec.judge.packs", judge.Packs, func(at, pack string) {
		if strings.HasPrefix(pack, "pack/self@") {
			c.bad(at, "self is always on", "take it out")
			return
		}
		c.like(at, pack, packName, "write pack/name@version: pack/workload@1")
	})
	if judge.Rego != nil {
		c.checkRego(*judge.Rego)
	}
	if judge.PodSecurity != nil {
		c.like("spec.judge.podSecurity.version", judge.PodSecurity.Version, podVersion, "write latest, or a version such as v1.31")
	}
	c.checkAdmission(judge)
	seen := map[string]bool{}
	for i, rule := range judge.Rules {
		at := fmt.Sprintf("spec.judge.rules[%d].rule", i)
		c.rule(at, rule.Rule, "is always on")
		if seen[rule.Rule] {
			c.bad(at, fmt.Sprintf("%q has a level already", rule.Rule), "keep one")
		}
		seen[rule.Rule] = true
	}
}

// checkRego refuses paths that leave the gate's folder; plugin/policy reads them
// below it.
func (c checker) checkRego(rego Rego) {
	inside := func(at, name string) {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			c.bad(at, fmt.Sprintf("%q leaves the gate's folder", name), "write a path below the folder of the gate's file")
		}
	}
	c.each("spec.judge.rego.files", rego.Files, inside)
	c.each("spec.judge.rego.data", rego.Data, inside)
	c.likeAll("spec.judge.rego.namespaces", rego.Namespaces, regoPackage, "write a package's name: main or company.kubernetes")
}

func (c checker) checkNamespaces(namespaces []Namespace) {
	seen := map[string]bool{}
	for i, namespace := range namespaces {
		at := fmt.Sprintf("spec.namespaces[%d].name", i)
		c.like(at, namespace.Name, labelName, "write a namespace's name; globs are not read here")
		if seen[namespace.Name] {
			c.bad(at, fmt.Sprintf("%q is described twice", namespace.Name), "keep one")
		}
		seen[namespace.Name] = true
		c.checkPodSecurityLabels(fmt.Sprintf("spec.namespaces[%d]", i), namespace.Labels)
	}
}
