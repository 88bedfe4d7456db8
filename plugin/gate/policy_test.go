package gate

import (
	"regexp"
	"strings"
	"testing"
)

func TestLoad_ImagePoliciesThatAreRefused(t *testing.T) {
	full := fullText(t)
	identities := full[strings.Index(full, "      identities:\n"):strings.Index(full, "    rfc3161timestamp:")]
	for _, test := range []refusal{
		{"no images", "  images:\n  - glob: registry.example.com:5000/team-a/**\n  authorities", "  authorities", "spec.images: is required"},
		{"empty glob", "glob: registry.example.com:5000/team-a/**", "glob: ''", "spec.images[0].glob: is empty"},
		{"glob with a brace", "team-a/**\n", "team-{a,b}\n", "only letters, digits and"},
		{"mode", "mode: enforce", "mode: audit", "write enforce or warn"},
		{"match by labels", "  mode: enforce", "  match: [{selector: {matchLabels: {a: b}}}]", "spec.match: is not implemented; a policy covers images"},
		{"policy", "  mode: enforce", "  policy: {type: cue}", "spec.policy: is not implemented"},
		{"secretRef", "    key:\n      data: |", "    key:\n      secretRef: {name: a}\n      data: |", "spec.authorities[0].key.secretRef: is not implemented"},
		{"ca-cert", "      trustRootRef: private\n      identities", "      ca-cert: {}\n      identities", "keyless.ca-cert: is not implemented"},
		{"attestation without a type", "  - name: key\n", "  - name: key\n    attestations: [{name: a}]\n", "spec.authorities[0].attestations[0].predicateType: is required"},
		{"attestation of no type", "  - name: key\n", "  - name: key\n    attestations: [{name: a, predicateType: provenance}]\n", `"provenance" is no predicate type`},
		{"attestations of one name", "  - name: key\n", "  - name: key\n    attestations: [{name: a, predicateType: vuln}, {name: a, predicateType: vuln}]\n", `two attestations "a"`},
		{"condition in CUE", "  - name: key\n", "  - name: key\n    attestations: [{name: a, predicateType: vuln, policy: {type: cue, data: x}}]\n", "conditions in CUE are not read"},
		{"condition in another language", "  - name: key\n", "  - name: key\n    attestations: [{name: a, predicateType: vuln, policy: {type: lua, data: x}}]\n", "write rego or cel"},
		{"condition without text", "  - name: key\n", "  - name: key\n    attestations: [{name: a, predicateType: vuln, policy: {type: cel}}]\n", "policy.data: is required"},
		{"condition from the network", "  - name: key\n", "  - name: key\n    attestations: [{name: a, predicateType: vuln, policy: {type: cel, data: x, remote: {}}}]\n", "policy.remote: is not implemented"},
		{"condition in the cluster", "  - name: key\n", "  - name: key\n    attestations: [{name: a, predicateType: vuln, policy: {type: cel, data: x, configMapRef: {}}}]\n", "policy.configMapRef: is not implemented"},
		{"attestations beside static", "  - name: key\n", "  - static: {action: pass}\n    attestations: [{name: a, predicateType: vuln}]\n  - name: key\n", "means nothing beside static"},
		{"tag prefix", "oci: registry.example.com/signatures", "oci: registry.example.com/signatures\n      tagPrefix: x", "source[0].tagPrefix: is not implemented"},
		{"pull secrets", "oci: registry.example.com/signatures", "oci: registry.example.com/signatures\n      signaturePullSecrets: []", "source[0].signaturePullSecrets: is not implemented"},
		{"a field that nobody knows", "    ctlog:\n", "    ctlogs:\n", `spec.authorities[0]: unknown field "ctlogs"`},
		{"two sources", "    - oci: registry.example.com/signatures", "    - oci: registry.example.com/signatures\n    - oci: registry.example.com/more", "more than one source"},
		{"source without repository", "    - oci: registry.example.com/signatures", "    - {}", "spec.authorities[0].source[0].oci: is required"},
		{"key and static", "  - name: key\n", "  - name: key\n    static: {action: pass}\n", "2 of key, keyless and static"},
		{"neither", "  - keyless:\n", "  - signatureFormat: legacy\n  - keyless:\n", "0 of key, keyless and static"},
		{"static of another action", "  - name: key\n", "  - static: {action: allow}\n  - name: key\n", "write pass or fail"},
		{"static with a log", "  - name: key\n", "  - static: {action: pass}\n    ctlog: {}\n  - name: key\n", "looks at no signature"},
		{"signature format", "  - name: key\n", "  - name: key\n    signatureFormat: new\n", "write legacy or bundle"},
		{"key without PEM", "-----BEGIN PUBLIC KEY-----", "-----BEGIN-----", "is no PEM block"},
		{"private key", "      data: |", "      data: \"-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n\"\n    keyless:\n      url: |", "holds a private key"},
		{"two keys in one", "        -----END PUBLIC KEY-----\n", "        -----END PUBLIC KEY-----\n        -----BEGIN PUBLIC KEY-----\n        AAAA\n        -----END PUBLIC KEY-----\n", "holds several keys"},
		{"data and file", "      data: |", "      file: key.pem\n      data: |", "2 of data, file and kms"},
		{"hash algorithm", "      data: |", "      hashAlgorithm: md5\n      data: |", "write one of sha256, sha384, sha512"},
		{"no identities", identities, "", "spec.authorities[1].keyless.identities: is required"},
		{"trust root that is not loaded", "      trustRootRef: private", "      trustRootRef: other", `keyless.trustRootRef: there is no TrustRoot "other"`},
		{"timestamp root that is not loaded", "    rfc3161timestamp:\n      trustRootRef: private", "    rfc3161timestamp:\n      trustRootRef: other", `rfc3161timestamp.trustRootRef: there is no TrustRoot "other"`},
		{"log root that is not loaded", "      url: https://rekor.sigstore.dev", "      trustRootRef: other", `ctlog.trustRootRef: there is no TrustRoot "other"`},
		{"log without URL", "url: https://rekor.sigstore.dev", "url: rekor", "is no URL"},
		{"two authorities of one name", "  - keyless:\n", "  - name: key\n    keyless:\n", `two authorities "key"`},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
}

func TestLoad_TrustRootsThatAreRefused(t *testing.T) {
	full := fullText(t)
	for _, test := range []refusal{
		{"both forms", "  trustedRootFile: trusted_root.json", "  trustedRootFile: trusted_root.json\n  sigstoreKeys: {}", "2 of sigstoreKeys, remote, repository, trustedRoot and trustedRootFile are given"},
		{"neither form", "spec:\n  trustedRootFile: trusted_root.json", "spec: {}", "0 of sigstoreKeys, remote, repository, trustedRoot and trustedRootFile are given"},
		{"mirror without a root", "  trustedRootFile: trusted_root.json", "  remote: {mirror: https://tuf.example.com}", "spec.remote.root: is required"},
		{"mirror without an address", "  trustedRootFile: trusted_root.json", "  remote: {root: e30=}", "spec.remote.mirror: is required"},
		{"mirror with a user", "  trustedRootFile: trusted_root.json", "  remote: {root: e30=, mirror: 'https://u:p@tuf.example.com'}", "is no plain address of a server"},
		{"mirror's root without base64", "  trustedRootFile: trusted_root.json", "  remote: {root: '{}', mirror: https://tuf.example.com}", "spec.remote.root: is no base64"},
		{"mirror's root without signatures", "  trustedRootFile: trusted_root.json", "  remote: {root: e30=, mirror: https://tuf.example.com}", "something else than a signed root.json"},
		{"targets that lead out", "  trustedRootFile: trusted_root.json", "  remote: {root: e30=, mirror: https://tuf.example.com, targets: a/../..}", `spec.remote.targets: "a/../.." is no path below`},
		{"unknown field of a mirror", "  trustedRootFile: trusted_root.json", "  remote: {root: e30=, mirror: https://tuf.example.com, extra: 1}", `unknown field "extra"`},
		{"repository without targets", "  trustedRootFile: trusted_root.json", "  repository: {root: e30=, mirrorFS: aGVsbG8=}", "spec.repository.targets: is required"},
		{"repository without base64", "  trustedRootFile: trusted_root.json", "  repository: {root: e30=, mirrorFS: '<>', targets: targets}", "spec.repository.mirrorFS: is no base64"},
		{"the embedded one's name", "  name: private", "  name: public-good", "is the name of the embedded trust root"},
		{"no certificate authority", "trustedRootFile: trusted_root.json", "sigstoreKeys: {}", "neither certificateAuthorities nor"},
		{
			"chain without base64", "trustedRootFile: trusted_root.json",
			"sigstoreKeys: {certificateAuthorities: [{subject: {organization: o, commonName: c}, uri: https://x.example.com, certChain: '-----BEGIN'}]}", "is no base64",
		},
		{
			"chain without PEM", "trustedRootFile: trusted_root.json",
			"sigstoreKeys: {certificateAuthorities: [{subject: {organization: o, commonName: c}, uri: https://x.example.com, certChain: aGVsbG8=}]}", "something else than PEM",
		},
		{
			"authority without a name", "trustedRootFile: trusted_root.json",
			"sigstoreKeys: {certificateAuthorities: [{uri: https://x.example.com, certChain: aGVsbG8=}]}", "certificateAuthorities[0].subject: is required",
		},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
}

func TestLoad_IdentityNeedsIssuerAndSubject(t *testing.T) {
	full := fullText(t)
	issuer, subject := "issuer: https://token.actions.githubusercontent.com", full[strings.Index(full, "subjectRegExp:"):strings.Index(full, "    rfc3161timestamp:")]
	for _, test := range []refusal{
		{"no subject", "        " + subject, "", "neither subject nor subjectRegExp is given; both halves of an identity are needed"},
		{"no issuer", issuer + "\n        ", "", "neither issuer nor issuerRegExp is given"},
		{"empty issuer", issuer, "issuer: ''", "neither issuer nor issuerRegExp is given"},
		{"two subjects", "subjectRegExp:", "subject: x\n        subjectRegExp:", "both subject and subjectRegExp are given"},
		{"unanchored subject", "^https://github", "https://github", "it accepts every text that contains a match; write ^(?:https://github"},
		{"broken subject", "[a-z]+", "[a-z", "is no regular expression"},
		{"unanchored issuer", issuer, "issuerRegExp: token.actions", "keyless.identities[0].issuerRegExp: \"token.actions\" is not anchored"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
}

func TestCheckExpression_ProposesWhatLoadsAndMatches(t *testing.T) {
	const subject = "https://github.com/example/shop/.github/workflows/release.yml@refs/tags/v1"
	for expression, want := range map[string]string{
		"https://github.com/example/shop/":   "^https://github.com/example/shop/.+$",
		"^https://github.com/example/shop/":  "^https://github.com/example/shop/.+$",
		"https://github.com/example/shop/.*": "^(?:https://github.com/example/shop/.*)$",
		"a|https://github.com/example/shop/": "^(?:a|https://github.com/example/shop/)$",
	} {
		_, hint := checkExpression(expression)
		if hint != "write "+want {
			t.Errorf("%s: %s", expression, hint)
		}
		if again, _ := checkExpression(want); again != "" {
			t.Errorf("the proposal %s is refused: %s", want, again)
		}
		if !strings.Contains(expression, "|") && !regexp.MustCompile(want).MatchString(subject) {
			t.Errorf("the proposal %s does not match %s", want, subject)
		}
	}
}

func TestCheckExpression_OnlyWhatIsAnchoredOnEverySide(t *testing.T) {
	for expression, want := range map[string]bool{
		`^a$`:              true,
		`^(?:a|b)$`:        true,
		`^(a|b)$`:          true,
		`^a$|^b$`:          true,
		`(^a$)`:            true,
		`\Aa\z`:            true,
		`(?i)^a$`:          true,
		`^$`:               true,
		`^.*$`:             true,
		`(?:)^a$(?:)`:      true,
		`a`:                false,
		``:                 false,
		`^a`:               false,
		`a$`:               false,
		`^a|b$`:            false,
		`^a$|b`:            false,
		`^(?:a$|b)`:        false,
		`(?m)^a$`:          false,
		`(?:^a)?b$`:        false,
		`^a(?:b$)?`:        false,
		`(?:^|x)a$`:        false,
		`^*a$`:             false,
		`.*^a$`:            false,
		`^a\$`:             false,
		`[^a]$`:            false,
		`^a$.*|b`:          false,
		`(`:                false,
		`^(?:a){1001}$`:    false,
		`(?:^a$|^b$)|^c$`:  true,
		`^(?:^a$|b)$`:      true,
		`(?:(?:^a)|^b)c$`:  true,
		`^(a|b$)|^(c|d)$x`: false,
	} {
		what, hint := checkExpression(expression)
		if (what == "") != want {
			t.Errorf("%q: %q", expression, what)
		}
		if what != "" && hint == "" {
			t.Errorf("%q is refused without a hint", expression)
		}
	}
}

func TestLoad_WarnsOfWhatAcceptsTooMuch(t *testing.T) {
	full := fullText(t)
	subject := full[strings.Index(full, "subjectRegExp:"):strings.Index(full, "\n    rfc3161timestamp:")]
	for _, test := range []struct{ rule, old, new string }{
		{"gate/accepts-everybody", subject, "subjectRegExp: ^.*$"},
		{"gate/accepts-everybody", subject, "subjectRegExp: ^.+$"},
		{"gate/accepts-everybody", subject, `subjectRegExp: ^https://github\.com/.*$`},
		{"gate/accepts-everybody", subject, `subjectRegExp: ^.*@gmail\.com$`},
		{"gate/accepts-everybody", "issuer: https://token.actions.githubusercontent.com", `issuerRegExp: ^https://.*$`},
		{"gate/static-pass", "  - name: key\n", "  - static: {action: pass}\n  - name: key\n"},
		{"gate/policy-warns", "mode: enforce", "mode: warn"},
		{"gate/glob-matches-nothing", "team-a/**\n", "team-a/app\n"},
		{"gate/no-sct", "      trustRootRef: private\n      identities", "      trustRootRef: private\n      insecureIgnoreSCT: true\n      identities"},
		{"gate/deny-without-pin", "pin: On", "pin: Off"},
		{"gate/object-labels", "indeterminate: Warn", "trustObjectLabels: true"},
		{"gate/credentials-in-clear", "private: true", "private: true\n    plainHTTP: true"},
		{"gate/no-base", "  base: true\n", ""},
		{"gate/unused", "kind: TrustRoot\nmetadata:\n  name: private\n", "kind: TrustRoot\nmetadata:\n  name: private\nspec:\n  trustedRootFile: a.json\n---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata:\n  name: spare\n"},
	} {
		config, err := Parse("full.yaml", []byte(strings.Replace(full, test.old, test.new, 1)))
		if err != nil || len(config.Warnings) != 1 || config.Warnings[0].Rule != test.rule {
			t.Errorf("%s %q: %v", test.rule, test.new, err)
			continue
		}
		if warning := config.Warnings[0]; warning.Level.Blocks() || warning.Hint == "" || warning.Origin.Line == 0 && test.rule != "gate/no-base" {
			t.Errorf("%s: %+v", test.rule, warning)
		}
	}
}

func TestLoad_FromTheClusterStatusAndServerMetadataArePassedOver(t *testing.T) {
	full := strings.Replace(fullText(t), "  creationTimestamp: null\n", "  creationTimestamp: '2026-01-01T00:00:00Z'\n  uid: x\n  resourceVersion: '7'\n  managedFields: [{manager: kubectl}]\n", 1)
	full = strings.Replace(full, "  mode: enforce\n", "  mode: enforce\nstatus:\n  conditions: []\n", 1)
	if _, err := Parse("full.yaml", []byte(full)); err != nil {
		t.Error(err)
	}
	_, err := Parse("a.yaml", []byte(strings.Replace(gateText("a", "  base: true"), "  name: a", "  name: a\n  uid: x", 1)))
	if err == nil || !strings.Contains(err.Error(), `metadata: unknown field "uid"`) {
		t.Errorf("our own kind is never read from a server: %v", err)
	}
}

func TestImagePattern_MatchesAsPolicyControllerDoes(t *testing.T) {
	for _, test := range []struct {
		glob, reference string
		want            bool
	}{
		{"*", "index.docker.io/library/nginx:1.27", true},
		{"*", "index.docker.io/team-a/nginx:1.27", false},
		{"*/*", "index.docker.io/team-a/nginx:1.27", true},
		{"*/*", "registry.example.com/team-a/nginx:1.27", false},
		{"**", "registry.example.com/team-a/nginx:1.27", true},
		{"registry.example.com/*", "registry.example.com/nginx:1.27", true},
		{"registry.example.com/*", "registry.example.com/team-a/nginx:1.27", false},
		{"registry.example.com/**", "registry.example.com/team-a/nginx:1.27", true},
		{"registry.example.com/**", "registry-example.com/team-a/nginx:1.27", false},
		{"registry.example.com/***", "registry.example.com/team-a/nginx:1.27", true},
		{"registry.example.com/nginx", "registry.example.com/nginx:1.27", false},
		{"registry.example.com/nginx:**", "registry.example.com/nginx:1.27", true},
		{"registry.example.com/nginx@sha256:*", "registry.example.com/nginx@sha256:00", true},
	} {
		expression, err := ImagePattern{Glob: test.glob}.Expression()
		if err != nil || expression.MatchString(test.reference) != test.want {
			t.Errorf("%s on %s: %v", test.glob, test.reference, err)
		}
	}
	for _, glob := range []string{"", "a b", "a?", "a[bc]", "a#b", "a\nb", "a+b"} {
		if _, err := (ImagePattern{Glob: glob}).Expression(); err == nil {
			t.Errorf("%q is no glob", glob)
		}
	}
}
