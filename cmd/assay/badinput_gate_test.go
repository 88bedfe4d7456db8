package main

import (
	"fmt"
	"testing"
	"time"
)

// lock writes a lock file that says what stands for the application's tag.
func (w *world) lock(digest string) {
	w.t.Helper()
	w.write("app/web.yaml", deploymentOf(w.image))
	w.write("app/images.lock.yaml", fmt.Sprintf("apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: %q\n  digest: %s\n", w.image, digest))
}

func TestBadInput_LockThatNamesAnOldBuildIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		old := w.digest
		w.digest = w.push("team-a/app:1", "second")
		w.sign(trusted())
		if bad {
			w.lock(old.DigestStr())
			return
		}
		w.lock(w.digest.DigestStr())
	}, denied("image/lock-drift", "assay lock"))
}

// A lock cannot vouch for what it names.
func TestBadInput_LockThatNamesAnUnsignedBuildIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.spec = "  lock: {drift: Ignore}\n"
		old := w.digest
		w.digest = w.push("team-a/app:1", "second")
		w.sign(trusted())
		if bad {
			w.lock(old.DigestStr())
			return
		}
		w.lock(w.digest.DigestStr())
	}, denied("image/not-signed"))
}

func TestBadInput_LockThatNamesABuildBeyondTheAgeIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.spec = "  lock: {drift: Ignore, maxBuildAge: 30d}\n"
		w.created = time.Now().AddDate(0, 0, -1)
		if bad {
			w.created = time.Now().AddDate(0, 0, -31)
		}
		w.digest = w.push("team-a/app:1", "aged")
		w.sign(trusted())
		w.lock(w.digest.DigestStr())
	}, denied("image/build-age", "more than 30 days ago", "assay lock"))
}

func TestBadInput_LockThatCannotBeReadIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			w.lock("latest")
			return
		}
		w.lock(w.digest.DigestStr())
	}, denied("lock/invalid", "images.lock.yaml:5"))
}

// secondGate is another base gate, which allows the same registry.
func (w *world) secondGate(project, spec string) string {
	spec = fmt.Sprintf("  registries:\n  - {host: %q, private: true, plainHTTP: true}\n", w.server.Host()) + spec
	return fmt.Sprintf("apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: second}\nspec:\n  base: true\n  selector: {projects: [%q]}\n%s", project, spec)
}

func TestBadInput_GatesThatDisagreeAreRefused(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.spec = "  profile: profile/restricted@1\n"
		if bad {
			w.write("gate/second.yaml", w.secondGate("team-*", "  profile: profile/baseline@1\n"))
			return
		}
		w.write("gate/second.yaml", w.secondGate("team-*", "  profile: profile/restricted@1\n"))
	}, denied("profile", "second", "base", "gate/"))
}

func TestBadInput_WaiverPastItsDayIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		until := time.Now().AddDate(0, 0, 2)
		if bad {
			until = time.Now().AddDate(0, 0, -2)
		}
		w.spec = fmt.Sprintf(`  waivers:
  - rule: image/not-signed
    image: %s
    content: %s
    owner: team-a@example.com
    reason: the release is being signed
    reference: https://tickets.example.com/1
    approver: platform@example.com
    until: %s
`, w.digest.Context().Name(), w.digest.DigestStr(), until.UTC().Format(time.DateOnly))
	}, denied("image/not-signed", "waiver/expired", "ended on", "gate/gate.yaml:13"))
}

func TestBadInput_UnknownFieldInTheGateIsRefused(t *testing.T) {
	for name, field := range map[string]string{
		"of the gate": "  trusted: true\n", "misspelt": "  profil: none\n", "nested": "  trust: {noMatsch: Warn}\n", "limit": "  images: {undeclaredd: Warn}\n",
	} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				if bad {
					w.spec = field
				}
			}, denied("gate/gate.yaml:12", "unknown field"))
		})
	}
}

func admission(expression string) string {
	return fmt.Sprintf(`apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
  - expression: %q
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: everywhere}
spec:
  policyName: replicas
  validationActions: [Deny]
`, expression)
}

func TestBadInput_PolicyThatDoesNotCompileIsRefused(t *testing.T) {
	for name, expression := range map[string]string{"syntax": "object.spec.(", "type": "object.spec.replicas", "unknown name": "objekt.spec.replicas <= 5"} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				if bad {
					w.write("gate/replicas.yaml", admission(expression))
					return
				}
				w.write("gate/replicas.yaml", admission("object.spec.replicas <= 5"))
			}, denied("gate/replicas.yaml:", "replicas", "compil"))
		})
	}
}

func TestBadInput_PolicyThatFailsIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		expression := "object.spec.replicas <= 5"
		if bad {
			expression = "object.spec.replicas <= 0"
		}
		w.write("gate/replicas.yaml", admission(expression))
	}, denied("policy/replicas", "web.yaml"))
}

func TestBadInput_CustomResourceWithAnUndeclaredImageFieldIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.write("app/runner.yaml", "apiVersion: ci.example.com/v1\nkind: RunnerSet\nmetadata: {name: runners}\nspec:\n  runnerImage: "+w.image+"\n")
		if !bad {
			w.spec = "  images: {fields: [{group: ci.example.com, kind: RunnerSet, path: spec.runnerImage}]}\n"
		}
	}, denied("image/undeclared", "runner.yaml", "spec.runnerImage", "images.fields"))
}

func TestBadInput_ApplicationThatRendersItsGatesConfigMapIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.write("app/web.yaml", deploymentOf(w.image))
		settings := "settings: {colour: red}"
		if bad {
			settings = "apiVersion: assay.dev/v1alpha1\n    kind: Gate\n    metadata: {name: anything-goes}\n    spec: {base: true, switches: {pin: Off, harden: Off, deny: Off}}"
		}
		w.write("app/gate.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, namespace: shop}\ndata:\n  gate.yaml: |\n    "+settings+"\n")
	}, denied("self/gate", "gate.yaml"))
}

func TestBadInput_ApplicationThatRendersAConfigMapByTheGatesNameIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.write("app/web.yaml", deploymentOf(w.image))
		name := "shop"
		if bad {
			name = "assay-gate"
		}
		w.write("app/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+name+", namespace: shop}\ndata: {colour: red}\n")
	}, denied("self/gate", "metadata.name"))
}

func TestBadInput_ApplicationThatRendersIntoTheGatesNamespaceIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.write("app/web.yaml", deploymentOf(w.image))
		namespace := "shop"
		if bad {
			namespace = "assay-system"
		}
		w.write("app/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: "+namespace+"}\ndata: {colour: red}\n")
	}, denied("self/", "assay-system"))
}
