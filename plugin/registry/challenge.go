package registry

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/assay-gitops/assay/plugin"
)

// parseChallenges picks the challenge that can be answered from
// WWW-Authenticate headers (RFC 9110 section 11.6.1): bearer before basic.
func parseChallenges(headers []string) challenge {
	var picked challenge
	for _, header := range headers {
		for _, found := range splitChallenges(header) {
			if found.scheme == "bearer" && found.realm != "" {
				return found
			}
			if found.scheme == "basic" {
				picked = found
			}
		}
	}
	return picked
}

// splitChallenges reads "Scheme key=value, key="quoted", Scheme ...".
func splitChallenges(header string) []challenge {
	var all []challenge
	for rest := header; rest != ""; {
		rest = strings.TrimLeft(rest, " \t,")
		word, after := cutToken(rest)
		if word == "" {
			return all
		}
		after = strings.TrimLeft(after, " \t")
		if value, found := strings.CutPrefix(after, "="); found && len(all) > 0 {
			text, tail := cutValue(strings.TrimLeft(value, " \t"))
			all[len(all)-1].set(word, text)
			rest = tail
			continue
		}
		all = append(all, challenge{scheme: strings.ToLower(word)})
		rest = after
	}
	return all
}

func (c *challenge) set(key, value string) {
	switch strings.ToLower(key) {
	case "realm":
		c.realm = value
	case "service":
		c.service = value
	}
}

func cutToken(text string) (word, rest string) {
	end := strings.IndexAny(text, " \t,=\"")
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

// cutValue reads a token or a quoted string with its escapes.
func cutValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t,")
		if end < 0 {
			return text, ""
		}
		return text[:end], text[end:]
	}
	var built strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return built.String(), text[i+1:]
		case '\\':
			i++
			if i == len(text) {
				return built.String(), ""
			}
		}
		built.WriteByte(text[i])
	}
	return built.String(), ""
}

// realm checks where tokens come from. A credential is sent only to the
// registry's own host, or to a host under the same registrable domain
// (auth.docker.io for index.docker.io). Without a credential there is nothing
// to lose, and any host may answer whose address may be reached at all.
func (s *session) realm(asked challenge, secret bool) (*url.URL, error) {
	realm, err := url.Parse(asked.realm)
	if err != nil || realm.Host == "" {
		return nil, refusedRealm(s.host, "it is not an address")
	}
	if !hasHostName(realm) {
		return nil, refusedRealm(s.host, "it is not at a host's name in ASCII of at most 253 bytes")
	}
	realm.User, realm.Fragment = nil, ""
	plain := realm.Scheme == "http" && s.scheme == "http" && s.client.plainHTTP(realm.Host)
	if realm.Scheme != "https" && !plain {
		return nil, refusedRealm(s.host, redact(realm)+" is not HTTPS")
	}
	if secret && !sameSite(realm.Host, s.host) {
		return nil, refusedRealm(s.host, redact(realm)+" belongs to another site, which must not see the credential")
	}
	return realm, nil
}

func refusedRealm(host, why string) error {
	return &plugin.Refusal{
		Rule: "registry/token-realm", Message: fmt.Sprintf("the token service that %s names is not asked: %s", host, why),
		Why:  "a registry that is hostile or broken could collect credentials so",
		Hint: "check the registry's token settings (realm)",
	}
}

// sameSite reports whether two hosts have the same name, or the same
// registrable domain (the public suffix list; addresses have none).
func sameSite(a, b string) bool {
	a, b = bareHost(a), bareHost(b)
	if a == b {
		return true
	}
	if net.ParseIP(a) != nil || net.ParseIP(b) != nil {
		return false
	}
	siteA, errA := publicsuffix.EffectiveTLDPlusOne(a)
	siteB, errB := publicsuffix.EffectiveTLDPlusOne(b)
	return errA == nil && errB == nil && siteA == siteB
}

func bareHost(host string) string {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}
