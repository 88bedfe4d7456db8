package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// interval is the time between two attempts.
const interval = 50 * time.Millisecond

// finalError ends [Until] at once.
type finalError struct{ error }

// Unwrap gives the reason.
func (e *finalError) Unwrap() error { return e.error }

// Final marks an error that trying again cannot change.
func Final(err error) error { return &finalError{err} }

// Until tries again until there is no error. When the context ends first, the
// error has the last attempt's in it.
func Until(ctx context.Context, attempt func(context.Context) error) error {
	var last error
	for {
		err := attempt(ctx)
		if err != nil && last != nil && ctx.Err() != nil {
			return fmt.Errorf("%w; at last: %w", context.Cause(ctx), last)
		}
		last = err
		var final *finalError
		if err == nil || errors.As(err, &final) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; at last: %w", context.Cause(ctx), err)
		case <-time.After(interval):
		}
	}
}

// listens is a probe that succeeds when somebody accepts connections.
func listens(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// Answers is a probe that succeeds when a GET is answered with 200.
func Answers(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}
