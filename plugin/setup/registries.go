package setup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
)

// client is the registry client for what gates allow together. Applications
// whose gates allow the same share it; credentials are part of "the same".
func (s *Setup) client(effective gate.Effective) (*registry.Client, error) {
	options := registry.Options{
		Limits:        effective.Limits,
		Keychain:      s.options.Keychain,
		FreshFor:      effective.FreshFor,
		StaleFor:      effective.StaleFor,
		AllowLoopback: s.options.AllowLoopback,
		Facts:         s.options.Facts,
		Clock:         s.options.Clock,
		Proxy:         http.ProxyFromEnvironment,
	}
	for _, entry := range effective.Registries {
		host, err := hostOf(entry, effective.Limits)
		if err != nil {
			return nil, err
		}
		options.Hosts = append(options.Hosts, host)
	}
	for _, entry := range effective.TenantCredentials {
		options.Tenants = append(options.Tenants, registry.Repositories{Host: entry.Host, Prefix: entry.Prefix})
	}
	key, err := clientKey(effective)
	if err != nil {
		return nil, err
	}
	if client, made := s.clients[key]; made {
		return client, nil
	}
	client, err := registry.New(options)
	if err != nil {
		return nil, fmt.Errorf("setting up registries: %w", err)
	}
	s.clients[key] = client
	return client, nil
}

// clientKey tells clients apart by everything that makes them differ: of the
// files that an entry names their places, as credentials have no text.
func clientKey(effective gate.Effective) (string, error) {
	entries := slices.Clone(effective.Registries)
	for i, entry := range entries {
		entries[i].At = plugin.Origin{}
		entries[i].CA = entry.Locate(entry.CA)
		if entry.Credentials == nil {
			continue
		}
		credentials := *entry.Credentials
		for _, path := range []*string{&credentials.DockerConfig, &credentials.UsernameFile, &credentials.PasswordFile} {
			*path = entry.Locate(*path)
		}
		entries[i].Credentials = &credentials
	}
	text, err := json.Marshal([]any{entries, effective.TenantCredentials, effective.Limits, effective.FreshFor, effective.StaleFor})
	if err != nil {
		return "", fmt.Errorf("setting up registries: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// hostOf reads the files that an entry names.
func hostOf(entry gate.Registry, limits plugin.Limits) (registry.Host, error) {
	host := registry.Host{
		Host: entry.Host, Prefix: entry.Prefix, Private: entry.Private, PlainHTTP: entry.PlainHTTP, Mirrors: entry.Mirrors, MirrorsOnly: entry.MirrorsOnly,
	}
	read := func(path, what string) ([]byte, error) {
		data, err := readFile(entry.Locate(path), limits.FileBytes)
		if err != nil {
			return nil, fmt.Errorf("%s: reading the %s of registry %s: %w", entry.At, what, entry.Host, err)
		}
		return data, nil
	}
	var err error
	if entry.CA != "" {
		if host.CA, err = read(entry.CA, "certificates"); err != nil {
			return host, err
		}
	}
	credentials := entry.Credentials
	switch {
	case credentials == nil:
	case credentials.Keychain != "":
		host.Keychain = credentials.Keychain
	case credentials.DockerConfig != "":
		data, err := read(credentials.DockerConfig, "docker configuration")
		if err != nil {
			return host, err
		}
		if host.Credential, err = registry.DockerConfigCredential(data, entry.Host); err != nil {
			return host, fmt.Errorf("%s: %w", entry.At, err)
		}
	default:
		username, err := read(credentials.UsernameFile, "user name")
		if err != nil {
			return host, err
		}
		password, err := read(credentials.PasswordFile, "password")
		if err != nil {
			return host, err
		}
		host.Credential = registry.Credential{Username: strings.TrimSpace(string(username)), Password: strings.TrimSpace(string(password))}
	}
	return host, nil
}

func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes (limit fileBytes)", path, limit)
	}
	return data, nil
}
