package policy

import pspolicy "k8s.io/pod-security-admission/policy"

func defaultCheckIDs() []string {
	var ids []string
	for _, check := range pspolicy.DefaultChecks() {
		ids = append(ids, string(check.ID))
	}
	return ids
}
