package plugin

import "testing"

func TestContent_WaiverDoesNotMoveToAnotherContainer(t *testing.T) {
	id := ObjectID{APIVersion: "v1", Kind: "Pod", Name: "p"}
	const field = "spec.containers[0].securityContext.privileged"
	pod := func(containers string) Object {
		return parse(t, "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeName: n, containers: ["+containers+"]}}")
	}
	const second = `, {name: other, image: "b:1"}`
	base := contentOf(t, id, field, pod(`{name: a, image: "a:1", securityContext: {privileged: true}}`+second))
	for _, containers := range []string{
		`{name: a, image: "evil:1", securityContext: {privileged: true}}` + second,
		`{name: b, image: "a:1", securityContext: {privileged: true}}` + second,
		`{name: a, image: "a:1", command: [sh], securityContext: {privileged: true}}` + second,
		`{name: a, image: "a:1", securityContext: {privileged: true, runAsUser: 0}}` + second,
		`{name: a, image: "a:1"}` + second, `{name: a, image: "a:1", securityContext: {privileged: null}}` + second,
	} {
		if contentOf(t, id, field, pod(containers)) == base {
			t.Errorf("%s has the hash of another container", containers)
		}
	}
	if contentOf(t, id, field, pod(`{securityContext: {privileged: true}, image: "a:1", name: a}, {name: new, image: "c:1"}`)) != base {
		t.Error("the container is the same, beside another")
	}
	const absent = "spec.containers[0].livenessProbe"
	if contentOf(t, id, absent, pod(`{name: a, image: "a:1"}`)) == contentOf(t, id, absent, pod(`{name: a, image: "evil:1"}`)) {
		t.Error("an absent field of one container has the hash of another's")
	}
}

func TestContent_AbsentFieldIsBoundToWhatWouldHoldIt(t *testing.T) {
	id := ObjectID{APIVersion: "v1", Kind: "Pod", Name: "p"}
	hash := func(field, spec string) string {
		return contentOf(t, id, field, parse(t, `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{image: "a:1"}], `+spec+"}}"))
	}
	base := hash("spec.securityContext.runAsNonRoot", "securityContext: {fsGroup: 1}")
	if hash("spec.securityContext.runAsNonRoot", "securityContext: {fsGroup: 2}") == base {
		t.Error("the object that would hold the field has changed")
	}
	if hash("spec.securityContext.runAsNonRoot", "securityContext: {fsGroup: 1}, hostNetwork: true") != base {
		t.Error("the object that would hold the field is the same")
	}
	if hash("spec.none.more", "nodeName: a") == hash("spec.none.more", "nodeName: b") {
		t.Error("the nearest object that is there has changed")
	}
	if hash("spec.hostNetwork", "hostNetwork: true, nodeName: a") != hash("spec.hostNetwork", "hostNetwork: true, nodeName: b") {
		t.Error("the value is the same")
	}
}
