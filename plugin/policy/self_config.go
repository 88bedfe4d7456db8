package policy

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	psapi "k8s.io/pod-security-admission/api"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// gateDocument finds a document of the gate's configuration inside text.
var gateDocument = regexp.MustCompile(`(?i)["']?apiVersion["']?\s*:\s*["']?([a-z0-9.-]+\.)?(assay\.dev|policy\.sigstore\.dev)/`)

// judgeGateConfig denies ConfigMaps and Secrets that are a gate's
// configuration, by label, name or content.
func judgeGateConfig(o selfObject) []plugin.Finding {
	if o.id.Group() != "" || !foldContains([]string{"ConfigMap", "Secret"}, o.id.Kind) {
		return nil
	}
	metadata := mapAt(o.object.Fields, "metadata")
	for _, section := range []string{"labels", "annotations"} {
		for _, key := range sortedKeys(mapAt(metadata, section)) {
			if prefix, _, found := strings.Cut(key, "/"); found && gateGroup(strings.ToLower(prefix)) {
				return []plugin.Finding{o.deny(ruleSelfGate, "metadata."+section, fmt.Sprintf("%s marks the object as the gate's own", key))}
			}
		}
	}
	if name := strings.ToLower(o.id.Name); name == "assay-gate" || hasAnyPrefix(name, "assay-gate-", "assay-gates") {
		return []plugin.Finding{o.deny(ruleSelfGate, "metadata.name", fmt.Sprintf("%q is the name of a gate's configuration", o.id.Name))}
	}
	for _, section := range []string{"data", "stringData", "binaryData"} {
		values := mapAt(o.object.Fields, section)
		for _, key := range sortedKeys(values) {
			if text, _ := values[key].(string); holdsGate(text) {
				return []plugin.Finding{o.deny(ruleSelfGate, section, fmt.Sprintf("the key %q holds a gate's configuration", key))}
			}
		}
	}
	return nil
}

// holdsGate looks into text, and into what it encodes as base64.
func holdsGate(text string) bool {
	if gateDocument.MatchString(text) {
		return true
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	return err == nil && gateDocument.Match(decoded)
}

// judgeNamespaceLabels denies Namespaces whose labels enforce less Pod Security
// than the gate asks for, or than the namespace has now: by the labels that the
// gate describes, or by the API server's defaults as the gate mirrors them.
func (s *self) judgeNamespaceLabels(o selfObject) []plugin.Finding {
	if o.id.Group() != "" || !strings.EqualFold(o.id.Kind, "Namespace") {
		return nil
	}
	labels := labelsOf(mapAt(o.object.Fields, "metadata"))
	written, hasLevel := labels[psapi.EnforceLevelLabel]
	version, hasVersion := labels[psapi.EnforceVersionLabel]
	if !hasLevel && !hasVersion {
		return nil
	}
	var findings []plugin.Finding
	for _, floor := range s.floors(o.id.Name) {
		field := labelField(psapi.EnforceLevelLabel)
		if level, err := psapi.ParseLevel(written); hasLevel && err == nil && psapi.CompareLevels(level, floor.Level) < 0 {
			findings = append(findings, o.deny(ruleSelfNamespaceLabels, field, fmt.Sprintf("the label enforces %s; %s asks for %s", level, floor.source, floor.Level)))
		}
		field = labelField(psapi.EnforceVersionLabel)
		if parsed, err := psapi.ParseVersion(version); hasVersion && err == nil && floor.Level != psapi.LevelPrivileged && parsed.Older(floor.Version) && !floor.Latest() {
			findings = append(findings, o.deny(ruleSelfNamespaceLabels, field, fmt.Sprintf("the label enforces version %s; %s asks for %s", version, floor.source, floor.Version)))
		}
	}
	return findings
}

// floors are the levels below which a namespace may not go.
func (s *self) floors(namespace string) []standard {
	var floors []standard
	if s.minimum != nil {
		level, errLevel := psapi.ParseLevel(s.minimum.Level)
		version, errVersion := psapi.ParseVersion(s.minimum.Version)
		if errLevel != nil || errVersion != nil {
			version = psapi.LatestVersion() // what cannot be read is the strictest, as in admission
		}
		floors = append(floors, standard{LevelVersion: psapi.LevelVersion{Level: level, Version: version}, source: "the gate"})
	}
	for _, floor := range s.admitted(namespace) {
		if !slices.Contains(floors, floor) {
			floors = append(floors, floor)
		}
	}
	return floors
}

// admitted are the levels that admission enforces in a namespace as it is: those
// of the labels that the gates describe, completed by the API server's defaults,
// or those defaults alone. A namespace that is exempt has no defaults to lose.
func (s *self) admitted(namespace string) []standard {
	clusters := s.clusters
	if len(clusters) == 0 {
		clusters = []clusterPodSecurity{{defaults: privileged()}}
	}
	var levels []standard
	for _, cluster := range clusters {
		defaults, described := cluster.defaults, false
		if slices.Contains(cluster.exempt.Namespaces, namespace) {
			defaults = privileged()
		}
		for _, each := range s.namespaces {
			if each.Name == namespace {
				policy, _ := psapi.PolicyToEvaluate(each.Labels, defaults)
				levels, described = append(levels, standard{LevelVersion: policy.Enforce, source: "the namespace"}), true
			}
		}
		if !described {
			levels = append(levels, standard{LevelVersion: defaults.Enforce, source: "the API server, by its defaults,"})
		}
	}
	return levels
}

// admissionOf reads the gates' mirrors of the API server's defaults. What cannot
// be read is the strictest, as in admission; a gate with it is not loaded.
func admissionOf(described []gate.PodSecurityAdmission) []clusterPodSecurity {
	var clusters []clusterPodSecurity
	for _, each := range described {
		cluster, err := newClusterPodSecurity(&each)
		if err != nil {
			cluster.defaults = privileged()
			cluster.defaults.Enforce.Level = psapi.LevelRestricted
		}
		clusters = append(clusters, cluster)
	}
	return clusters
}

func labelField(label string) string { return fmt.Sprintf("metadata.labels[%q]", label) }
