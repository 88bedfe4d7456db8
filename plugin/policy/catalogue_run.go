package policy

// gateRules are about the gate's configuration.
func gateRules() []Rule {
	return []Rule{
		{
			ID: "gate/break-glass", Severity: "high", Level: "Warn", Title: "Break glass is in use",
			Why: "the gate is open for one application and revision until the time that is shown",
			Fix: "repair the cause and remove the entry",
		},
		{
			ID: "gate/conflict", Severity: "high", Level: "Deny", Title: "Gates that meet agree",
			Why: "two gates ask for different things in a field that has no order",
			Fix: "make the selectors disjoint, or the values equal; without a project set ARGOCD_APP_PROJECT_NAME",
		},
		{
			ID: "gate/invalid", Severity: "high", Level: "Deny", Title: "The gate's configuration can be read",
			Why: "a configuration that cannot be read must not let anything through",
			Fix: "correct the line that the message names",
		},
		{
			ID: "gate/no-base", Severity: "critical", Level: "Deny", Title: "A base gate covers the application",
			Why: "other gates only add to a base gate",
			Fix: "add a gate with spec.base: true whose selector matches the application",
		},
		{
			ID: "gate/none", Severity: "critical", Level: "Deny", Title: "A gate covers the application",
			Why: "an application that no gate covers is denied",
			Fix: "add a base gate whose selector matches it",
		},
		{
			ID: "gate/name", Severity: "high", Level: "Deny", Title: "Every gate has a name of its own",
			Why: "findings, waivers and evidence are told apart by the name of their gate",
			Fix: "name the gates differently",
		},
	}
}

// adviceRules are about a configuration that means less than it seems.
func adviceRules() []Rule {
	return []Rule{
		{
			ID: "gate/binding-without-policy", Severity: "medium", Level: "Warn", Title: "A binding names a policy of the configuration",
			Why: "a binding without its policy enforces nothing",
			Fix: "add the policy's file, or remove the binding",
		},
		{
			ID: "gate/resource-name", Severity: "high", Level: "Warn", Title: "A policy's rules name resources, not kinds",
			Why: "a rule for Deployment or deployment matches nothing, in the cluster as here, so the policy is not in force",
			Fix: "write resources in plural and lower case: deployments",
		},
		{
			ID: "gate/policy-without-binding", Severity: "medium", Level: "Warn", Title: "A policy has a binding",
			Why: "a policy without a binding is not in force, as in the cluster",
			Fix: "add a ValidatingAdmissionPolicyBinding, or remove the policy",
		},
		{
			ID: ruleParams, Severity: "high", Level: "Warn", Title: "A binding's params are in the configuration",
			Why: "without its param a policy denies everything that it is about, or is not in force, as parameterNotFoundAction says",
			Fix: "put the object that spec.paramRef names beside the gate's other files",
		},
		{
			ID: ruleUpdatesAlone, Severity: "medium", Level: "Warn", Title: "A mutation of the platform's is about creation, too",
			Why: "objects are decided as at creation, so a MutatingAdmissionPolicy about updates alone never runs here, and in the cluster it changes what was handed on",
			Fix: "write operations: [CREATE, UPDATE]",
		},
		{
			ID: ruleOptOut, Severity: "medium", Level: "Warn", Title: "No policy can be left by a label",
			Why: "the application writes the labels of its objects, so it decides whether the policy is asked",
			Fix: "select by namespace, or put a rule that everybody has to keep into a policy without it",
		},
		{
			ID: ruleTypeCheck, Severity: "medium", Level: "Warn", Title: "A policy's expressions fit the kinds that it matches",
			Why: "CEL in a policy has no types when it is stored, so a field that a kind does not have is an error of each request; " +
				"a cluster says the same under status.typeChecking of the policy. A field that holds quantities, such as resources.limits, has no type there and counts as unknown",
			Fix:        "correct the name or the comparison, write dyn(...) around what the types do not know, or match other kinds; beside the gate, CustomResourceDefinitions give custom kinds their types",
			References: []string{"https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking"},
		},
		{
			ID: "gate/object-labels", Severity: "medium", Level: "Warn", Title: "Policies do not select by what the application writes",
			Why: "an application can leave a policy by changing its own labels",
			Fix: "select by namespace",
		},
		{
			ID: "gate/unused", Severity: "low", Level: "Warn", Title: "Everything in the configuration is used",
			Why: "what no gate uses protects nothing",
			Fix: "name it in a gate, or remove it",
		},
		{
			ID: "gate/credentials-in-clear", Severity: "high", Level: "Warn", Title: "Credentials travel encrypted",
			Why: "plain HTTP shows the credential to whoever is in between",
			Fix: "remove plainHTTP, or the credential",
		},
		{
			ID: "gate/deny-without-pin", Severity: "medium", Level: "Warn", Title: "Denying goes with pinning",
			Why: "what was verified is not what is deployed when the tag can move in between",
			Fix: "switch spec.switches.pin on",
		},
	}
}

// trustAdviceRules are about trust rules that mean less than they seem.
func trustAdviceRules() []Rule {
	return []Rule{
		{
			ID: "gate/policy-warns", Severity: "low", Level: "Warn", Title: "A trust rule denies",
			Why: "a ClusterImagePolicy with mode: warn stops nothing",
			Fix: "write mode: enforce when it is ready",
		},
		{
			ID: "gate/notation-anybody", Severity: "medium", Level: "Warn", Title: "A Notation trust policy names who signs",
			Why: `trustedIdentities "*" accepts every certificate that the trust store's authorities ever issued`,
			Fix: "write the subject: x509.subject: C=..., ST=..., O=..., CN=...",
		},
		{
			ID: "gate/notation-lenient", Severity: "medium", Level: "Warn", Title: "A Notation trust policy enforces every check",
			Why: "a check that is logged or skipped denies nothing, such as a certificate that was revoked",
			Fix: "write the level strict, without an override",
		},
		{
			ID: "gate/static-pass", Severity: "medium", Level: "Warn", Title: "A trust rule asks for evidence",
			Why: "static: pass accepts every image that its globs cover, signed or not",
			Fix: "write who signs them, or narrow the globs to digests",
		},
		{
			ID: "gate/no-sct", Severity: "medium", Level: "Warn", Title: "Certificates are in a transparency log",
			Why: "with insecureIgnoreSCT a certificate may have been issued unseen",
			Fix: "leave insecureIgnoreSCT out",
		},
		{
			ID: "gate/glob-matches-nothing", Severity: "medium", Level: "Warn", Title: "A trust rule's glob can match",
			Why: "references end in a tag or a digest, which this glob leaves no room for",
			Fix: "end the glob in ** or @**",
		},
		{
			ID: "gate/trust-root", Severity: "medium", Level: "Warn", Title: "Trust roots are renewed in time",
			Why: "what an expired trust root is needed for is undetermined, and nothing that needs it is deployed",
			Fix: "check that the mirror can be reached from here and that its owner signs its metadata anew, or name another copy",
		},
		{
			ID: "gate/accepts-everybody", Severity: "high", Level: "Warn", Title: "A trust rule names somebody",
			Why: "a rule that accepts every signer proves nothing about the image",
			Fix: "name issuer and subject, or a key",
		},
	}
}

// waiverRules are about exceptions.
func waiverRules() []Rule {
	return []Rule{
		{
			ID: "gate/unknown-rule", Severity: "medium", Level: "Warn", Title: "A waiver names a rule that exists",
			Why: "a waiver compares the rule exactly, so one with a typing error covers nothing",
			Fix: "write the rule as the report shows it",
		},
		{
			ID: "waiver/expired", Severity: "medium", Level: "Warn", Title: "A waiver is past its day",
			Why: "the denial that it covered counts again",
			Fix: "repair the cause, or have the waiver renewed by its approver",
		},
		{
			ID: "waiver/ending", Severity: "low", Level: "Warn", Title: "A waiver ends soon",
			Why: "the denial that it covers will count again after that day",
			Fix: "repair the cause, or have the waiver renewed by its approver",
		},
		{
			ID: "waiver/unused", Severity: "info", Level: "Info", Title: "Every waiver covers something",
			Why: "a waiver that covers nothing may be about content that has since changed",
			Fix: "remove it",
		},
		{
			ID: "waiver/not-allowed", Severity: "medium", Level: "Warn", Title: "A waiver is for a rule that may be waived",
			Why: "another gate of the application says that nothing waives the rule, and requirements of gates add",
			Fix: "repair the cause and remove the entry",
		},
		{
			ID: "waiver/requested", Severity: "low", Level: "Warn", Title: "The application asks for a waiver",
			Why: "the annotation assay.dev/waiver-request asks and grants nothing: its author is whom the gate judges",
			Fix: "decline it, or write the waiver into the gate, with an approver and a last day",
		},
		{
			ID: "waiver/too-long", Severity: "medium", Level: "Warn", Title: "A waiver ends within the time that is allowed",
			Why: "a waiver without an end in sight is a rule that nobody decided",
			Fix: "give it an earlier day",
		},
	}
}

// runRules are about the stages of a run.
func runRules() []Rule {
	return []Rule{
		{
			ID: "verify/no-answer", Severity: "medium", Level: "Undetermined", Title: "The evidence could be looked at",
			Why: "no answer is not the same as not signed",
			Fix: "try again; the message says what did not answer",
		},
		{
			ID: "verify/no-verifier", Severity: "critical", Level: "Deny", Title: "Every gate has a verifier",
			Why: "an empty list of verifiers would let everything through",
			Fix: "give the gate trust rules",
		},
		{
			ID: "verify/failed", Severity: "critical", Level: "Deny", Title: "The verify stage could do its work",
			Why: "an error that is no answer denies",
			Fix: "correct what the message names",
		},
		{
			ID: "setup/failed", Severity: "critical", Level: "Deny", Title: "The pipeline is complete",
			Why: "a stage that is missing must not let anything through",
			Fix: "correct the configuration that the message names",
		},
		{
			ID: "lock/invalid", Severity: "high", Level: "Deny", Title: "images.lock.yaml can be read",
			Why: "a lock that cannot be read decides nothing",
			Fix: "run assay lock again",
		},
		{
			ID: "resolve/failed", Severity: "high", Level: "Deny", Title: "The resolve stage could do its work",
			Why: "an error that is no answer denies",
			Fix: "correct what the message names",
		},
		{
			ID: "resolve/no-answer", Severity: "medium", Level: "Undetermined", Title: "The registry said which digest a tag stands for",
			Why: "no answer is not the same as no such tag",
			Fix: "try again; the message says what did not answer",
		},
		{
			ID: "seal/failed", Severity: "critical", Level: "Deny", Title: "The output can be sealed",
			Why: "only bytes that were judged may leave the gate",
			Fix: "report it with the input that caused it",
		},
		{
			ID: "judge/no-answer", Severity: "medium", Level: "Undetermined", Title: "There was time to judge",
			Why: "a deadline that passed is no answer",
			Fix: "run it again, with more time if it was a deadline",
		},
		{
			ID: "judge/failed", Severity: "critical", Level: "Deny", Title: "The judge stage could do its work",
			Why: "an error that is no answer denies",
			Fix: "correct what the message names",
		},
		{
			ID: "report/limit", Severity: "low", Level: "Warn", Title: "The report lists every finding",
			Why: "beyond the limit only the worst findings are listed, and the verdict still counts all",
			Fix: "correct the findings that are listed first, or raise findingsPerVerdict under spec.limits",
		},
	}
}
