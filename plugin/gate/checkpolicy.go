package gate

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

func (l *loading) checkPolicy(c checker, policy ClusterImagePolicy) {
	for i, image := range policy.Spec.Images {
		if image.Glob == "" {
			continue // refused as required
		}
		if _, err := image.Expression(); err != nil {
			c.bad(fmt.Sprintf("spec.images[%d].glob", i), err.Error(), "use * within a segment and ** across segments")
		}
	}
	names := map[string]bool{}
	for i, authority := range policy.Spec.Authorities {
		at := fmt.Sprintf("spec.authorities[%d]", i)
		if authority.Name != "" && names[authority.Name] {
			c.bad(at+".name", fmt.Sprintf("there are two authorities %q", authority.Name), "rename one")
		}
		names[authority.Name] = true
		l.checkAuthority(c, at, authority)
	}
}

func (l *loading) checkAuthority(c checker, at string, authority Authority) {
	kinds := 0
	for _, set := range []bool{authority.Static != nil, authority.Key != nil, authority.Keyless != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		c.bad(at, fmt.Sprintf("%d of key, keyless and static are given", kinds), "write exactly one")
	}
	if authority.Static != nil && (len(authority.Source) > 0 || authority.CTLog != nil || authority.RFC3161Timestamp != nil) {
		c.bad(at+".static", "looks at no signature, so source, ctlog and rfc3161timestamp mean nothing beside it", "take them out")
	}
	if authority.Key != nil {
		c.checkKey(at+".key", *authority.Key)
	}
	if authority.Keyless != nil {
		c.checkKeyless(at+".keyless", *authority.Keyless)
		l.checkRootRef(c, at+".keyless.trustRootRef", authority.Keyless.TrustRootRef)
	}
	if authority.CTLog != nil {
		l.checkRootRef(c, at+".ctlog.trustRootRef", authority.CTLog.TrustRootRef)
		c.url(at+".ctlog.url", authority.CTLog.URL)
	}
	if authority.RFC3161Timestamp != nil {
		l.checkRootRef(c, at+".rfc3161timestamp.trustRootRef", authority.RFC3161Timestamp.TrustRootRef)
	}
	c.checkSource(at+".source", authority.Source)
	c.checkAttestations(at+".attestations", authority)
}

func (l *loading) checkRootRef(c checker, at, root string) {
	known := root == "" || root == PublicGood || slices.ContainsFunc(l.config.TrustRoots, func(r TrustRoot) bool { return r.Metadata.Name == root })
	if !known {
		c.bad(at, fmt.Sprintf("there is no TrustRoot %q in the configuration", root), "load the file that holds it, or write "+PublicGood)
	}
}

func (c checker) checkKey(at string, key KeyRef) {
	given := 0
	for _, text := range []string{key.Data, key.File, key.KMS} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		c.bad(at, fmt.Sprintf("%d of data, file and kms are given", given), "write exactly one; secretRef is not implemented")
		return
	}
	if key.Data != "" {
		c.checkKeyData(at+".data", key.Data)
	}
	if key.KMS != "" && !slices.ContainsFunc([]string{"awskms://", "gcpkms://", "azurekms://", "hashivault://"}, func(scheme string) bool { return strings.HasPrefix(key.KMS, scheme) }) {
		c.bad(at+".kms", fmt.Sprintf("%q is no key URI", key.KMS), "begin with awskms://, gcpkms://, azurekms:// or hashivault://")
	}
}

func (c checker) checkKeyData(at, data string) {
	block, rest := pem.Decode([]byte(data))
	another, _ := pem.Decode(rest)
	switch {
	case block == nil || len(block.Bytes) == 0:
		c.bad(at, "is no PEM block", "write -----BEGIN PUBLIC KEY----- and what follows")
	case strings.Contains(block.Type, "PRIVATE"):
		c.bad(at, "holds a private key", "write the public one, and replace this key: whoever read the file has it")
	case another != nil:
		c.bad(at, "holds several keys, of which policy-controller reads the first alone", "write one authority for each key: one that vouches is enough")
	}
}

func (c checker) checkKeyless(at string, keyless KeylessRef) {
	c.url(at+".url", keyless.URL)
	if len(keyless.Identities) == 0 {
		c.bad(at+".identities", "is required: without it every certificate of the authority would do", "write issuer and subject of who signs")
	}
	for i, identity := range keyless.Identities {
		c.checkIdentity(fmt.Sprintf("%s.identities[%d]", at, i), identity)
	}
}

func (c checker) checkIdentity(at string, identity Identity) {
	for _, half := range []struct{ field, exact, expression string }{
		{"issuer", identity.Issuer, identity.IssuerRegExp}, {"subject", identity.Subject, identity.SubjectRegExp},
	} {
		switch {
		case half.exact == "" && half.expression == "":
			c.bad(at, fmt.Sprintf("neither %s nor %sRegExp is given; both halves of an identity are needed", half.field, half.field), "write one of them")
		case half.exact != "" && half.expression != "":
			c.bad(at, fmt.Sprintf("both %s and %sRegExp are given", half.field, half.field), "write one of them")
		case half.expression != "":
			if what, hint := checkExpression(half.expression); what != "" {
				c.bad(at+"."+half.field+"RegExp", what, hint)
			}
		}
	}
}

func (c checker) checkSource(at string, sources []SignatureSource) {
	if len(sources) > 1 {
		c.bad(at, "more than one source is given; policy-controller reads one", "write one authority for each source")
	}
	for i, source := range sources {
		field := fmt.Sprintf("%s[%d].oci", at, i)
		if source.OCI == "" {
			c.bad(field, "is required", "write the repository that holds the signatures")
			continue
		}
		if _, err := name.NewRepository(source.OCI, name.StrictValidation); err != nil {
			c.bad(field, fmt.Sprintf("%q is no repository: %v", source.OCI, err), "write registry.example.com/signatures")
		}
	}
}

func (c checker) url(at, url string) {
	if url != "" && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		c.bad(at, fmt.Sprintf("%q is no URL", url), "write https:// and the host")
	}
}

func checkTrustRoot(c checker, root TrustRoot) {
	if root.Metadata.Name == PublicGood {
		c.bad("metadata.name", PublicGood+" is the name of the embedded trust root", "choose another name")
	}
	checkForm(c, root.Spec)
	keys := root.Spec.SigstoreKeys
	if keys == nil {
		return
	}
	const field = "spec.sigstoreKeys"
	if len(keys.CertificateAuthorities)+len(keys.TimestampAuthorities) == 0 {
		c.bad(field, "has neither certificateAuthorities nor timestampAuthorities", "write one of them")
	}
	for i, authority := range keys.CertificateAuthorities {
		c.encoded(fmt.Sprintf("%s.certificateAuthorities[%d].certChain", field, i), authority.CertChain)
	}
	for i, authority := range keys.TimestampAuthorities {
		c.encoded(fmt.Sprintf("%s.timestampAuthorities[%d].certChain", field, i), authority.CertChain)
	}
	for i, log := range keys.TLogs {
		c.encoded(fmt.Sprintf("%s.tLogs[%d].publicKey", field, i), log.PublicKey)
	}
	for i, log := range keys.CTLogs {
		c.encoded(fmt.Sprintf("%s.ctLogs[%d].publicKey", field, i), log.PublicKey)
	}
}

// encoded refuses what is not PEM in base64.
func (c checker) encoded(at, text string) {
	if text == "" {
		return // refused as required
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		c.bad(at, "is no base64", "encode the PEM text once more: base64 -w0 < file.pem")
		return
	}
	if block, _ := pem.Decode(data); block == nil {
		c.bad(at, "is base64 of something else than PEM", "encode the PEM text: base64 -w0 < file.pem")
	}
}
