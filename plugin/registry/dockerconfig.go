package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// DockerConfigCredential finds a host's credential in a docker config.json.
// Only "auths" are read: credential helpers are programs, and a gate's file
// runs none. A file without the host is an error that names it.
func DockerConfigCredential(data []byte, host string) (Credential, error) {
	var file struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return Credential{}, fmt.Errorf("reading a docker configuration: %s", redactJSON(err))
	}
	registry, err := name.NewRegistry(host)
	if err != nil {
		return Credential{}, fmt.Errorf("reading a docker configuration: %w", err)
	}
	for _, key := range []string{registry.RegistryStr(), host, "https://" + host, "https://index.docker.io/v1/"} {
		if strings.HasPrefix(key, "https://index.docker.io") && registry.RegistryStr() != name.DefaultRegistry {
			continue
		}
		if config, found := file.Auths[key]; found {
			credential := fromConfig(&config)
			if credential.IsZero() {
				return Credential{}, fmt.Errorf("reading a docker configuration: the entry of %s is empty; credential helpers are not run", host)
			}
			return credential, nil
		}
	}
	return Credential{}, fmt.Errorf("reading a docker configuration: it has no entry for %s", host)
}

// maxDockerEntries bounds the entries of one docker configuration.
const maxDockerEntries = 100

// DockerConfigCredentials reads all credentials of a docker config.json, or of
// its older form (.dockercfg), which is the list of "auths" alone. A name is a
// host, also as an address and with a path, which is then a prefix of
// repositories (as the kubelet reads it). What is passed over is told in words;
// neither those nor errors show anything but hosts.
func DockerConfigCredentials(data []byte, older bool) (found []TenantCredential, ignored []string, err error) {
	var file struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredHelpers map[string]json.RawMessage `json:"credHelpers"`
		CredsStore  json.RawMessage            `json:"credsStore"`
	}
	into := any(&file)
	if older {
		into = &file.Auths
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, nil, fmt.Errorf("reading a docker configuration: %s", redactJSON(err))
	}
	if len(file.Auths) > maxDockerEntries {
		return nil, nil, fmt.Errorf("reading a docker configuration: it has %d entries, and at most %d are read", len(file.Auths), maxDockerEntries)
	}
	if len(file.CredHelpers) > 0 || len(file.CredsStore) > 0 {
		ignored = append(ignored, "credHelpers and credsStore, as no program is run for a credential")
	}
	for _, written := range slices.Sorted(maps.Keys(file.Auths)) {
		at, err := repositoriesOf(written)
		if err != nil {
			ignored = append(ignored, err.Error())
			continue
		}
		var config authn.AuthConfig
		if err := json.Unmarshal(file.Auths[written], &config); err != nil {
			return nil, nil, fmt.Errorf("reading a docker configuration: the entry of %s is no credential: auth is the base64 of user:password, all else is text", at)
		}
		credential := fromConfig(&config)
		switch same := func(other TenantCredential) bool { return other.Repositories == at }; {
		case credential.IsZero():
			ignored = append(ignored, fmt.Sprintf("the entry of %s, which is empty", at))
		case slices.ContainsFunc(found, same):
			ignored = append(ignored, fmt.Sprintf("another entry of %s, as there are several", at))
		default:
			found = append(found, TenantCredential{Repositories: at, Credential: credential})
		}
	}
	return found, ignored, nil
}

// String is the host and the prefix.
func (r Repositories) String() string { return strings.TrimSuffix(r.Host+"/"+r.Prefix, "/") }

// repositoriesOf reads the name of an entry: "https://index.docker.io/v1/",
// "registry.example.com", "registry.example.com/team-a". What is no such name
// may be anything, and is not told.
func repositoriesOf(written string) (Repositories, error) {
	if strings.ContainsAny(written, "*?") {
		return Repositories{}, errors.New("an entry whose name is a pattern: write the host as it is")
	}
	text := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(written), "https://"), "http://")
	host, prefix, _ := strings.Cut(text, "/")
	for _, version := range []string{"v1", "v2"} { // of the registry's own addresses
		if rest, is := strings.CutPrefix(prefix+"/", version+"/"); is {
			prefix = rest
			break
		}
	}
	prefix = strings.Trim(prefix, "/")
	registry, err := name.NewRegistry(host, name.StrictValidation)
	if err != nil || host == "" || prefix != "" && !pathForm.MatchString(prefix) {
		return Repositories{}, errors.New("an entry whose name is no host, with or without a path")
	}
	return Repositories{Host: registry.RegistryStr(), Prefix: prefix}, nil
}

// redactJSON says what kind of error it was, without the text that it quotes.
func redactJSON(err error) string {
	if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // Unmarshal returns it bare
		return fmt.Sprintf("not JSON at byte %d", syntax.Offset)
	}
	return "an entry is not a credential"
}
