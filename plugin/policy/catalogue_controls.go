package policy

// The lists whose controls a page names (Rule.Controls), as they spell
// themselves. What has no number there is named by its section.
const (
	standardsBaseline   = "Pod Security Standards: baseline"
	standardsRestricted = "Pod Security Standards: restricted"
	namespaceLabels     = "Pod Security Admission: namespace labels"

	cisPodSecurity     = "CIS Kubernetes Benchmark 5.2.1"
	cisImageProvenance = "CIS Kubernetes Benchmark 5.5.1"

	nsaPodSecurity   = "NSA/CISA Kubernetes Hardening Guide: Pod Security"
	nsaNonRoot       = "NSA/CISA Kubernetes Hardening Guide: non-root containers"
	nsaImageScanning = "NSA/CISA Kubernetes Hardening Guide: image scanning"

	attackEscape       = "MITRE ATT&CK T1611"     // Escape to Host
	attackDefenses     = "MITRE ATT&CK T1562"     // Impair Defenses
	attackDeploy       = "MITRE ATT&CK T1610"     // Deploy Container
	attackImplantImage = "MITRE ATT&CK T1525"     // Implant Internal Image
	attackSupplyChain  = "MITRE ATT&CK T1195.002" // Compromise Software Supply Chain
)

// podSecurityControls are the controls of one check of the Pod Security
// Standards: the level that asks for it, the numbers of the CIS Kubernetes
// Benchmark (section 5.2, and 5.7.2 for seccomp), the settings that the
// hardening guide of NSA and CISA lists under Pod Security, and the technique of
// MITRE ATT&CK for Containers that the setting opens.
func podSecurityControls(check podCheck) []string {
	controls := []string{standardsBaseline}
	if check.level == "restricted" {
		controls = []string{standardsRestricted}
	}
	switch check.id {
	case "privileged":
		return append(controls, "CIS Kubernetes Benchmark 5.2.2", nsaPodSecurity, attackEscape)
	case "hostNamespaces":
		return append(controls, "CIS Kubernetes Benchmark 5.2.3", "CIS Kubernetes Benchmark 5.2.4", "CIS Kubernetes Benchmark 5.2.5", nsaPodSecurity, attackEscape)
	case "allowPrivilegeEscalation":
		return append(controls, "CIS Kubernetes Benchmark 5.2.6", nsaPodSecurity)
	case "runAsNonRoot":
		return append(controls, "CIS Kubernetes Benchmark 5.2.7", nsaNonRoot)
	case "runAsUser":
		return append(controls, nsaNonRoot)
	case "capabilities_restricted":
		return append(controls, "CIS Kubernetes Benchmark 5.2.8", "CIS Kubernetes Benchmark 5.2.10")
	case "capabilities_baseline":
		return append(controls, "CIS Kubernetes Benchmark 5.2.9", nsaPodSecurity)
	case "windowsHostProcess":
		return append(controls, "CIS Kubernetes Benchmark 5.2.11")
	case "hostPathVolumes":
		return append(controls, "CIS Kubernetes Benchmark 5.2.12", attackEscape)
	case "hostPorts":
		return append(controls, "CIS Kubernetes Benchmark 5.2.13", nsaPodSecurity)
	case "seccompProfile_baseline", "seccompProfile_restricted":
		return append(controls, "CIS Kubernetes Benchmark 5.7.2", nsaPodSecurity)
	case "appArmorProfile", "seLinuxOptions":
		return append(controls, nsaPodSecurity)
	}
	return controls // the Standards alone ask for it
}

// selfControls are the controls of a rule of self. What is applied past the gate
// is deployed to evade it; what changes the gate impairs a defence.
func selfControls(id string) []string {
	switch id {
	case ruleSelfGitOps, ruleSelfEmbedded:
		return []string{attackDefenses, attackDeploy}
	case ruleSelfAdmission, ruleSelfGate, ruleSelfDefinition:
		return []string{attackDefenses}
	case ruleSelfRBAC:
		return []string{
			"CIS Kubernetes Benchmark 5.1.3", "CIS Kubernetes Benchmark 5.1.8", "CIS Kubernetes Benchmark 5.1.12",
			"NSA/CISA Kubernetes Hardening Guide: authentication and authorization", "MITRE ATT&CK T1098.006", attackDefenses,
		}
	case ruleSelfNamespace:
		return []string{"CIS Kubernetes Benchmark 5.7.1", "MITRE ATT&CK T1552.007"}
	case ruleSelfNamespaceLabels:
		return []string{cisPodSecurity, namespaceLabels, nsaPodSecurity, attackDefenses}
	}
	return nil
}
