package sandbox

// subject is one image and how it is signed.
type subject struct {
	name     string
	index    bool
	signings []signing
}

type signing struct {
	Signing
	// with is the Sigstore; nil is the world's main one.
	with   *Sigstore
	attest bool
	// elsewhere puts the signature into another repository.
	elsewhere bool
}

// subjects are all ways of signing, in both formats: "-legacy" for cosign's
// .sig tag, "-bundle" for the OCI 1.1 referrer.
func (w *World) subjects() []subject {
	all := []subject{{name: "unsigned"}}
	for _, format := range []string{"legacy", "bundle"} {
		bundle := format == "bundle"
		for suffix, one := range w.signings() {
			one.Bundle = bundle
			all = append(all, subject{name: suffix + "-" + format, signings: []signing{one}})
		}
		key := Signing{Bundle: bundle, Key: w.Keys["a"]}
		all = append(all,
			subject{name: "index-key-a-" + format, index: true, signings: []signing{{Signing: key}}},
			subject{name: "key-a-and-b-" + format, signings: []signing{{Signing: key}, {Signing: Signing{Bundle: bundle, Key: w.Keys["b"]}}}},
			subject{name: "key-b-then-a-" + format, signings: []signing{{Signing: Signing{Bundle: bundle, Key: w.Keys["b"]}}, {Signing: key}}},
			subject{name: "attested-key-a-and-key-b-" + format, signings: []signing{
				{Signing: key, attest: true}, {Signing: Signing{Bundle: bundle, Key: w.Keys["b"]}},
			}},
		)
		all = append(all, w.attested(format, bundle)...)
	}
	return append(all, subject{name: "key-a-both", signings: []signing{
		{Signing: Signing{Key: w.Keys["a"]}}, {Signing: Signing{Key: w.Keys["a"], Bundle: true}},
	}})
}

// attested are images with other statements than provenance v1.
func (w *World) attested(format string, bundle bool) []subject {
	by := func(key, predicateType, predicate string) signing {
		return signing{Signing: Signing{Bundle: bundle, Key: w.Keys[key], PredicateType: predicateType, Predicate: predicate}, attest: true}
	}
	const (
		v02   = `{"builder":{"id":"https://example.com/builder"},"buildType":"https://example.com/build","invocation":{"configSource":{"uri":"git+https://example.com/team-a/app"}}}`
		clean = `{"invocation":{"uri":"https://example.com/scan"},"scanner":{"uri":"https://example.com/scanner","result":{"found":0}}}`
		dirty = `{"invocation":{"uri":"https://example.com/scan"},"scanner":{"uri":"https://example.com/scanner","result":{"found":2}}}`
	)
	return []subject{
		{name: "v02-key-a-" + format, signings: []signing{by("a", "slsaprovenance", v02)}},
		{name: "vuln-clean-key-a-" + format, signings: []signing{by("a", "vuln", clean)}},
		{name: "vuln-dirty-key-a-" + format, signings: []signing{by("a", "vuln", dirty)}},
		{name: "vuln-clean-key-b-" + format, signings: []signing{by("b", "vuln", clean)}},
		{name: "vuln-both-key-a-" + format, signings: []signing{by("a", "vuln", dirty), by("a", "vuln", clean)}},
		{name: "custom-key-a-" + format, signings: []signing{by("a", "https://example.com/custom/v1", `{"approved":true}`)}},
		{name: "vuln-and-custom-key-a-" + format, signings: []signing{by("a", "vuln", clean), by("a", "https://example.com/custom/v1", `{"approved":true}`)}},
	}
}

func (w *World) signings() map[string]signing {
	person := Signing{Email: Email, Issuer: Issuer, Log: true}
	with := func(change func(*Signing)) Signing {
		changed := person
		change(&changed)
		return changed
	}
	return map[string]signing{
		"key-a":            {Signing: Signing{Key: w.Keys["a"]}},
		"key-b":            {Signing: Signing{Key: w.Keys["b"]}},
		"key-p384":         {Signing: Signing{Key: w.Keys["p384"]}},
		"key-rsa":          {Signing: Signing{Key: w.Keys["rsa"]}},
		"key-ed25519":      {Signing: Signing{Key: w.Keys["ed25519"], Pure: true}},
		"key-ed25519ph":    {Signing: Signing{Key: w.Keys["ed25519"]}},
		"key-a-log":        {Signing: Signing{Key: w.Keys["a"], Log: true}},
		"key-a-stamp":      {Signing: Signing{Key: w.Keys["a"], Stamp: true}},
		"key-a-other-log":  {Signing: Signing{Key: w.Keys["a"], Log: true}, with: w.Other},
		"attested-key-a":   {Signing: Signing{Key: w.Keys["a"]}, attest: true},
		"elsewhere-key-a":  {Signing: Signing{Key: w.Keys["a"]}, elsewhere: true},
		"keyless":          {Signing: person},
		"keyless-subject":  {Signing: with(func(s *Signing) { s.Email = OtherEmail })},
		"keyless-issuer":   {Signing: with(func(s *Signing) { s.Issuer = OtherIssuer })},
		"keyless-root":     {Signing: person, with: w.Other},
		"keyless-no-sct":   {Signing: person, with: w.noSCT},
		"keyless-expired":  {Signing: person, with: w.expired},
		"keyless-no-log":   {Signing: with(func(s *Signing) { s.Log = false })},
		"keyless-old":      {Signing: with(func(s *Signing) { s.Log = false }), with: w.expired},
		"keyless-stamp":    {Signing: with(func(s *Signing) { s.Log, s.Stamp = false, true })},
		"keyless-log-tsa":  {Signing: with(func(s *Signing) { s.Stamp = true })},
		"attested-keyless": {Signing: person, attest: true},
	}
}
