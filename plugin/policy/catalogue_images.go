package policy

// trustRules are about who vouches for an image.
func trustRules() []Rule {
	return []Rule{
		{
			ID: "image/no-trust-rule", Severity: "critical", Level: "Deny", Title: "A trust rule covers every image",
			Why:      "nobody has said who may vouch for this image",
			Fix:      "add a ClusterImagePolicy whose glob covers it; assay init proposes one",
			Controls: []string{cisImageProvenance, nsaImageScanning, attackSupplyChain},
		},
		{
			ID: "image/not-signed", Severity: "critical", Level: "Deny", Title: "Somebody vouches for every image",
			Why:      "an image that nobody signed may come from anybody",
			Fix:      "sign the image, or correct the reference; the details list every candidate that was looked at",
			Controls: []string{cisImageProvenance, nsaImageScanning, attackSupplyChain},
		},
		{
			ID: "image/not-attested", Severity: "critical", Level: "Deny", Title: "What a trust rule asks to be attested about an image is",
			Why:      "the ClusterImagePolicy asks for attestations, and there is none of that type",
			Fix:      "attest it: cosign attest, or the build's own attestation; the message names the types that there are",
			Controls: []string{cisImageProvenance, attackSupplyChain},
		},
		{
			ID: "image/not-trusted", Severity: "critical", Level: "Deny", Title: "Who vouches for the image is trusted",
			Why:      "the image is signed, but not by whom the gate trusts",
			Fix:      "have it signed by the identity or key that the policy names; the details list every candidate",
			Controls: []string{cisImageProvenance, nsaImageScanning, attackSupplyChain},
		},
		{
			ID: "image/refused", Severity: "critical", Level: "Deny", Title: "A trust rule refuses the image",
			Why:      "a ClusterImagePolicy with static: fail covers it",
			Fix:      "use another image, or change the policy",
			Controls: []string{cisImageProvenance, nsaImageScanning, attackSupplyChain},
		},
		{
			ID: "image/build-age", Severity: "medium", Level: "Deny", Title: "A locked image is not older than the gate allows",
			Why: "a lock file that nobody renews deploys what has since been mended",
			Fix: "run assay lock beside the application; spec.lock.maxBuildAge sets the age",
		},
		{
			ID: "image/stale", Severity: "low", Level: "Warn", Title: "The registry gave no fresh answer for a tag",
			Why: "an earlier answer was used, as the registry did not answer",
			Fix: "look at the registry; spec.freshness bounds how long an earlier answer is believed",
		},
		{
			ID: "image/lenient-trust", Severity: "medium", Level: "Warn", Title: "No trust rule lets a failed check pass",
			Why: "the Notation trust policy logs this check instead of enforcing it, so that an expired or revoked signature may vouch",
			Fix: "sign the image anew, and write the level strict without an override",
		},
		{
			ID: "image/unaccounted", Severity: "critical", Level: "Deny", Title: "Every image in the output was judged",
			Why:      "the sealed bytes hold an image that this run did not pin or nobody vouched for",
			Fix:      "report it with the input that caused it, unless pinning or hardening was changed",
			Controls: []string{cisImageProvenance},
		},
		{
			ID: "image/unsupported", Severity: "high", Level: "Deny", Title: "An image is of a type that can be verified",
			Why: "what the registry holds under the reference is not an image or index",
			Fix: "correct the reference",
		},
	}
}

// imageRules are about finding and pinning images.
func imageRules() []Rule {
	return []Rule{
		{
			ID: "image/implicit", Severity: "high", Level: "Deny", Title: "Kinds that make Pods from an image that they do not name",
			Why: "the operator chooses the image, so nobody can pin or verify it here",
			Fix: "name the image in the object, or declare the field under spec.images.fields of the gate",
		},
		{
			ID: "image/invalid", Severity: "high", Level: "Deny", Title: "Every image reference can be read",
			Why: "a reference that cannot be read cannot be resolved, pinned or verified",
			Fix: "correct the reference; digests are sha256",
		},
		{
			ID: "image/lock-drift", Severity: "medium", Level: "Deny", Title: "A locked tag still stands for the locked digest",
			Why:      "the tag was moved to another build after it was locked",
			Fix:      "run assay lock and review the change, or keep the old build; the gate sets spec.lock.drift",
			Controls: []string{attackImplantImage, attackSupplyChain},
		},
		{
			ID: "image/not-locked", Severity: "high", Level: "Deny", Title: "Every tag has an entry in images.lock.yaml",
			Why:      "without an entry the registry decides at every sync what is deployed",
			Fix:      "run assay lock and commit images.lock.yaml, or write a digest",
			Controls: []string{attackImplantImage, attackSupplyChain},
		},
		{
			ID: "image/platform-missing", Severity: "medium", Level: "Deny", Title: "An image has every platform that the gate requires",
			Why: "on a node of another platform the Pod cannot start",
			Fix: "build the image for the platform, or change spec.images.platforms",
		},
		{
			ID: "image/undeclared", Severity: "high", Level: "Deny", Title: "Every place that names an image is known",
			Why: "an image that is not found is neither pinned nor verified",
			Fix: "declare the field under spec.images.fields of the gate, or rename it when it names no image",
		},
	}
}

// registryRules are about how registries answer.
func registryRules() []Rule {
	return []Rule{
		{
			ID: "registry/invalid-answer", Severity: "medium", Level: "Undetermined", Title: "The registry answers as the specification says",
			Why: "an answer that cannot be read is no answer",
			Fix: "look at the registry, and at proxies in between",
		},
		{
			ID: "registry/limit", Severity: "high", Level: "Deny", Title: "Nothing that is read from a registry exceeds its limit",
			Why: "without limits one manifest or bundle could exhaust the gate",
			Fix: "remove the oversized content, or raise the limit by its name under spec.limits",
		},
		{
			ID: "registry/private-address", Severity: "high", Level: "Deny", Title: "Registries have public addresses",
			Why: "an image reference could make the gate talk to services inside the network",
			Fix: "name the host under spec.registries with private: true",
		},
		{
			ID: "registry/pull-secret", Severity: "low", Level: "Warn", Title: "An application's own pull secret is used as its author thinks",
			Why: "the platform decides where a credential that it does not know may be shown, and nothing is run to get one",
			Fix: "list the host and a prefix under spec.tenantCredentials of every gate that applies; write each registry into auths of the Secret",
		},
		{
			ID: "registry/redirect", Severity: "high", Level: "Deny", Title: "Redirects lead where they may",
			Why: "credentials and requests must not follow a redirect to another place",
			Fix: "correct the registry, or name the host under spec.registries",
		},
		{
			ID: "registry/token-realm", Severity: "high", Level: "Deny", Title: "The token service belongs to the registry",
			Why: "a forged challenge could send credentials elsewhere",
			Fix: "correct the registry, or name the realm under spec.registries",
		},
		{
			ID: "registry/wrong-digest", Severity: "critical", Level: "Deny", Title: "The bytes are those of the digest",
			Why:      "the registry or something in between gave other bytes than were asked for",
			Fix:      "do not deploy; look at the registry and its mirrors",
			Controls: []string{attackSupplyChain},
		},
	}
}
