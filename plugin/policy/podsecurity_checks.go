package policy

// podCheck is what a reader needs to know of one check of the Pod Security
// Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
type podCheck struct {
	id, level, title, why, fix string
	// field is the setting below a container, podField below the Pod's spec.
	field, podField string
}

// podChecks are the checks of k8s.io/pod-security-admission 0.37, in its order.
func podChecks() []podCheck {
	return append(baselineChecks(), restrictedChecks()...)
}

func baselineChecks() []podCheck {
	return []podCheck{
		{id: "appArmorProfile", level: "baseline", title: "AppArmor is not switched off", field: "securityContext.appArmorProfile",
			why: "AppArmor confines what a broken-in process may do on the node", fix: "remove the profile type Unconfined"},
		{id: "capabilities_baseline", level: "baseline", title: "No capability beyond the runtime's defaults is added", field: "securityContext.capabilities.add",
			why: "capabilities such as NET_RAW or SYS_ADMIN reach beyond the container", fix: "remove the capability from securityContext.capabilities.add"},
		{id: "hostNamespaces", level: "baseline", title: "The node's namespaces are not shared",
			why: "hostNetwork, hostPID and hostIPC show the Pod the node's own processes and network", fix: "remove hostNetwork, hostPID and hostIPC"},
		{id: "hostPathVolumes", level: "baseline", title: "No hostPath volumes", podField: "volumes",
			why: "a hostPath volume reads and writes the node's own files", fix: "use a persistentVolumeClaim, configMap, secret or emptyDir volume"},
		{id: "hostPorts", level: "baseline", title: "No host ports", field: "ports",
			why: "a host port opens the node's own address and passes by network policies", fix: "remove hostPort and use a Service"},
		{id: "hostProbesAndHostLifecycle", level: "baseline", title: "Probes and hooks name no host", field: "livenessProbe",
			why: "the kubelet sends the request from the node, to any host that is named", fix: "remove the host field from probes and lifecycle hooks"},
		{id: "privileged", level: "baseline", title: "No privileged containers", field: "securityContext.privileged",
			why: "a privileged container is root on the node", fix: "remove privileged: true; add the one capability that is needed"},
		{id: "procMount", level: "baseline", title: "The /proc mount is masked", field: "securityContext.procMount",
			why: "an unmasked /proc shows and changes the node's kernel settings", fix: "remove procMount"},
		{id: "seLinuxOptions", level: "baseline", title: "SELinux options stay the container's", field: "securityContext.seLinuxOptions",
			why: "another type, user or role leaves the confinement of containers", fix: "remove seLinuxOptions.user and role, and use a container type"},
		{id: "seccompProfile_baseline", level: "baseline", title: "Seccomp is not switched off", field: "securityContext.seccompProfile",
			why: "without seccomp every system call of the kernel is reachable", fix: "remove the profile type Unconfined, or set RuntimeDefault"},
		{id: "sysctls", level: "baseline", title: "Only safe sysctls", podField: "securityContext.sysctls",
			why: "most sysctls change the whole node", fix: "remove the sysctl, or ask for it on a node of its own"},
		{id: "windowsHostProcess", level: "baseline", title: "No Windows HostProcess containers", field: "securityContext.windowsOptions.hostProcess",
			why: "a HostProcess container is an administrator of the node", fix: "remove windowsOptions.hostProcess"},
	}
}

func restrictedChecks() []podCheck {
	return []podCheck{
		{id: "allowPrivilegeEscalation", level: "restricted", title: "Privileges cannot grow", field: "securityContext.allowPrivilegeEscalation",
			why: "a setuid program in the image turns any user into root", fix: "set securityContext.allowPrivilegeEscalation: false on the container"},
		{id: "capabilities_restricted", level: "restricted", title: "All capabilities are dropped", field: "securityContext.capabilities",
			why: "the runtime's default capabilities are more than nearly all programs need", fix: "set securityContext.capabilities.drop: [ALL]; only NET_BIND_SERVICE may be added"},
		{id: "procMount_restricted", level: "restricted", title: "The /proc mount is masked", field: "securityContext.procMount",
			why: "an unmasked /proc shows and changes the node's kernel settings", fix: "remove procMount"},
		{id: "restrictedVolumes", level: "restricted", title: "Only harmless volume types", podField: "volumes",
			why: "other volume types reach the node or pass by the storage that the platform manages",
			fix: "use configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected or secret volumes"},
		{id: "runAsNonRoot", level: "restricted", title: "Containers do not run as root", field: "securityContext.runAsNonRoot",
			why: "root in a container is one kernel defect away from root on the node",
			fix: "give the image a numeric USER and set securityContext.runAsNonRoot: true"},
		{id: "runAsUser", level: "restricted", title: "runAsUser is not 0", field: "securityContext.runAsUser",
			why: "user 0 is root", fix: "remove runAsUser: 0, or set another number that the image's files allow"},
		{id: "seccompProfile_restricted", level: "restricted", title: "A seccomp profile is set", field: "securityContext.seccompProfile",
			why: "without seccomp every system call of the kernel is reachable", fix: "set securityContext.seccompProfile.type: RuntimeDefault"},
	}
}

// describeCheck is the page of a check; one that is not in the table has none.
func describeCheck(id string) podCheck {
	for _, check := range podChecks() {
		if check.id == id {
			return check
		}
	}
	return podCheck{id: id}
}
