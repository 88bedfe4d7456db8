package gate

import (
	_ "embed"
	"fmt"
)

//go:embed default.yaml
var defaultYAML []byte

// DefaultYAML is the text of the gate that applies when none is given. Self is
// always on and therefore not in it.
func DefaultYAML() string { return string(defaultYAML) }

// Default is the configuration that applies when none is given: it holds one
// base gate and no trust rule.
func Default() *Config {
	config, err := Parse("default.yaml (built in)", defaultYAML)
	if err != nil {
		panic(fmt.Errorf("reading the built-in gate: %w", err)) // a test loads it
	}
	return config
}
