package notation_test

import (
	"encoding/base64"
	"testing"
)

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// must2 is must for calls that return two values.
func must2(t *testing.T) func([]byte, error) []byte {
	return func(data []byte, err error) []byte {
		t.Helper()
		return must(t, data, err)
	}
}
