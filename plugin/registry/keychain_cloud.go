//go:build cloud

package registry

// cloudKeychain makes the keychain of a cloud whose client is opt-in; nil for
// another name.
func (c *Client) cloudKeychain(keychain string) Keychain {
	switch keychain {
	case "ecr":
		return ecrKeychain{clock: c.options.Clock}
	case "acr":
		return acrKeychain{login: azureLogin}
	}
	return nil
}
