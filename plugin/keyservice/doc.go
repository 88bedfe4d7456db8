// Package keyservice is the one way to a key that another service keeps (AWS,
// Azure, Google, HashiCorp Vault). Only a build with the tag kms has the
// clients.
package keyservice

import "strings"

// IsURI reports whether a key's name is the URI of a key service.
func IsURI(name string) bool {
	return strings.Contains(name, "://")
}
