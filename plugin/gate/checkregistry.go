package gate

import (
	"fmt"
	"net"
	"strings"
)

func (c checker) checkRegistries(registries []Registry) {
	seen := map[string]bool{}
	for i, registry := range registries {
		at := fmt.Sprintf("spec.registries[%d]", i)
		c.host(at+".host", registry.Host)
		if key := registry.Host + "/" + registry.Prefix; seen[key] {
			c.bad(at, fmt.Sprintf("%s is there twice", key), "keep one")
		} else {
			seen[key] = true
		}
		c.checkPrefix(at+".prefix", registry.Prefix)
		if registry.PlainHTTP && !registry.Private && !loopback(registry.Host) {
			c.bad(at+".plainHTTP", "http is for loopback and private hosts", "use https, or set private: true where the host has a private address")
		}
		c.each(at+".mirrors", registry.Mirrors, func(field, mirror string) {
			host, _, _ := strings.Cut(mirror, "/")
			if strings.Contains(mirror, "://") {
				host = mirror
			}
			c.host(field, host)
		})
		if registry.MirrorsOnly && len(registry.Mirrors) == 0 {
			c.bad(at+".mirrorsOnly", "there is no mirror, so nobody could be asked", "name mirrors, or take mirrorsOnly out")
		}
		c.checkCredentials(at+".credentials", registry)
	}
}

func (c checker) checkCredentials(at string, registry Registry) {
	if registry.Credentials == nil {
		return
	}
	given := *registry.Credentials
	count := 0
	for _, set := range []bool{given.DockerConfig != "", given.UsernameFile != "" || given.PasswordFile != "", given.Keychain != ""} {
		if set {
			count++
		}
	}
	switch {
	case count != 1:
		c.bad(at, fmt.Sprintf("%d kinds of credentials are given", count), "write one of dockerConfig, usernameFile with passwordFile, and keychain")
	case (given.UsernameFile == "") != (given.PasswordFile == ""):
		c.bad(at, "usernameFile and passwordFile belong together", "write both")
	case given.Keychain != "" && !cloudHost(given.Keychain, registry.Host):
		c.bad(at+".keychain", fmt.Sprintf("%s is not a host of %s: a cloud's token goes to its own registries only", registry.Host, given.Keychain), "use dockerConfig for this host")
	}
}

func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// cloudHost reports whether a host belongs to the cloud of a keychain.
func cloudHost(keychain, host string) bool {
	switch keychain {
	case "ecr":
		return host == "public.ecr.aws" ||
			strings.Contains(host, ".dkr.ecr") && (strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn"))
	case "acr":
		return strings.HasSuffix(host, ".azurecr.io") || strings.HasSuffix(host, ".azurecr.cn") || strings.HasSuffix(host, ".azurecr.us")
	case "gar":
		return host == "gcr.io" || strings.HasSuffix(host, ".gcr.io") || strings.HasSuffix(host, ".pkg.dev")
	}
	return false
}
