//go:build sample_elsewhere

package sample

import "errors"

// Elsewhere is not part of the usual build, so no test can hold its check.
func Elsewhere(text string) error {
	if text == "" {
		return errors.New("empty")
	}
	return nil
}
