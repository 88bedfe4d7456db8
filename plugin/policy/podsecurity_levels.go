package policy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	psapi "k8s.io/pod-security-admission/api"
)

type podMeta = metav1.ObjectMeta

// standard is a level and who asks for it.
type standard struct {
	psapi.LevelVersion
	source string
}

// privileged is the API server's own default: nothing is enforced.
func privileged() psapi.Policy {
	level := psapi.LevelVersion{Level: psapi.LevelPrivileged, Version: psapi.LatestVersion()}
	return psapi.Policy{Enforce: level, Audit: level, Warn: level}
}
