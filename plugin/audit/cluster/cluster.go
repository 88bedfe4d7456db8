// Package cluster writes into the cluster that the process runs in, beside the
// answers: what cannot be written there changes no verdict.
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/assay-gitops/assay/plugin/report"
)

// API is an API server.
type API struct {
	// Server is its address, and Client has the credentials for it.
	Server string
	Client *http.Client
}

// InCluster is the API server of the process's own cluster, by the service account
// whose token is mounted into the container.
func InCluster() (*API, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("looking for the service account: %w", err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("setting up the client of the API server: %w", err)
	}
	return &API{Server: config.Host, Client: client}, nil
}

// Request is one request to an API server.
type Request struct {
	Method, Path string
	// Type is the body's media type, and Accept the answer's; empty is JSON.
	Type, Accept string
	Body         []byte
}

// Bounds for one request; mostAnswer is in bytes.
const (
	patience   = 10 * time.Second
	mostAnswer = 256 << 10
	// mostShown is how much of an answer is repeated, in bytes.
	mostShown = 4 << 10
)

// Refused is an answer that is none of those that were asked for.
type Refused struct {
	Status int
	text   string
}

// Error implements error.
func (r *Refused) Error() string { return r.text }

// Is reports whether an error is an answer with this status.
func Is(err error, status int) bool {
	var refused *Refused
	return errors.As(err, &refused) && refused.Status == status
}

// Send makes a request and returns the body of an answer that is 200 or 201.
func (a *API) Send(ctx context.Context, request Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	made, err := http.NewRequestWithContext(ctx, request.Method, strings.TrimRight(a.Server, "/")+request.Path, bytes.NewReader(request.Body))
	if err != nil {
		return nil, err
	}
	const inJSON = "application/json"
	made.Header.Set("Content-Type", inJSON)
	if request.Type != "" {
		made.Header.Set("Content-Type", request.Type)
	}
	made.Header.Set("Accept", inJSON)
	if request.Accept != "" {
		made.Header.Set("Accept", request.Accept)
	}
	response, err := a.Client.Do(made)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated {
		return nil, &Refused{response.StatusCode, fmt.Sprintf("the API server answers %s: %s", response.Status, report.Neutral(string(text[:min(len(text), mostShown)])))}
	}
	return text, nil
}
