package flux

import "net/http"

// Alive answers /healthz: the process takes requests. Whether it is ready is
// the file server's to say.
func Alive(*http.Request) error { return nil }
