package attest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// greatestAnswer is the greatest size of the answer with a token, in bytes.
const greatestAnswer = 1 << 20

// audience is that of tokens which a Fulcio accepts.
const audience = "sigstore"

// Ambient is where an identity token comes from without anybody's doing:
// SIGSTORE_ID_TOKEN, else the workflow's own of GitHub Actions
// (ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN, which need the permission id-token:
// write). It is nil when there is neither. The timeout bounds the request.
func Ambient(getenv func(string) string, timeout time.Duration) func(context.Context) (string, error) {
	if token := getenv("SIGSTORE_ID_TOKEN"); token != "" {
		return func(context.Context) (string, error) { return token, nil }
	}
	address, secret := getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if address == "" || secret == "" {
		return nil
	}
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		token, err := workflowToken(ctx, address, secret)
		if err != nil {
			return "", &plugin.StageError{
				Stage: "asking for the workflow's identity token", Cause: err,
				Hint: "give the job the permission id-token: write, or name a key with --attest-key",
			}
		}
		return token, nil
	}
}

func workflowToken(ctx context.Context, address, secret string) (string, error) {
	at, err := url.Parse(address)
	if err != nil {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
	}
	query := at.Query()
	query.Set("audience", audience)
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
	}
	request.Header.Set("Authorization", "Bearer "+secret)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", errors.New(plugin.RedactText(err.Error()))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, greatestAnswer))
	if err != nil {
		return "", errors.New(plugin.RedactText(err.Error()))
	}
	var token struct {
		Value string `json:"value"`
	}
	switch err := json.Unmarshal(text, &token); {
	case answer.StatusCode != http.StatusOK:
		return "", fmt.Errorf("the service answered %s", answer.Status)
	case err != nil || token.Value == "":
		return "", errors.New("the service answered without a token")
	}
	return token.Value, nil
}
