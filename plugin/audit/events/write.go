package events

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/cluster"
)

// kubeName is a name of Kubernetes (RFC 1123 subdomain).
var kubeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// write writes one Event: the same words about the same object are one Event that
// is counted up, whichever replica says them.
func (w *Writer) write(ctx context.Context, record audit.Record, now time.Time) error {
	namespace, name, outside := strings.Cut(record.Application, "_")
	if !outside {
		namespace, name = w.Namespace, record.Application
	}
	if !kubeName.MatchString(namespace) || !kubeName.MatchString(name) {
		return nil // no Application has such a name, so there is none to tell it on
	}
	uid, err := w.uid(ctx, namespace, name)
	if cluster.Is(err, http.StatusNotFound) {
		return nil // it was deleted since
	}
	if err != nil {
		return fmt.Errorf("reading the Application %s/%s: %w", namespace, name, err)
	}
	made := newEvent(record, now)
	made.InvolvedObject = reference{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Namespace: namespace, Name: name, UID: uid}
	made.Metadata.Namespace, made.Metadata.Name = namespace, eventName(name, uid, record)
	if err := w.create(ctx, made); err != nil {
		return fmt.Errorf("writing an Event on the Application %s/%s: %w", namespace, name, err)
	}
	w.written.Add(1)
	return nil
}

func (w *Writer) create(ctx context.Context, made event) error {
	body, err := json.Marshal(made)
	if err != nil {
		return err
	}
	list := "/api/v1/namespaces/" + url.PathEscape(made.Metadata.Namespace) + "/events"
	_, err = w.API.Send(ctx, cluster.Request{Method: http.MethodPost, Path: list, Body: body})
	if !cluster.Is(err, http.StatusConflict) {
		return err
	}
	one := list + "/" + url.PathEscape(made.Metadata.Name)
	text, err := w.API.Send(ctx, cluster.Request{Method: http.MethodGet, Path: one})
	if err != nil {
		return err
	}
	var before event
	if err := json.Unmarshal(text, &before); err != nil {
		return fmt.Errorf("reading the Event that is there: %w", err)
	}
	patch, err := json.Marshal(map[string]any{"count": before.Count + 1, "lastTimestamp": made.LastTimestamp})
	if err != nil {
		return err
	}
	_, err = w.API.Send(ctx, cluster.Request{Method: http.MethodPatch, Path: one, Type: "application/merge-patch+json", Body: patch})
	return err
}

// uid is the Application's: Argo CD shows the Events that name it.
func (w *Writer) uid(ctx context.Context, namespace, name string) (string, error) {
	path := "/apis/argoproj.io/v1alpha1/namespaces/" + url.PathEscape(namespace) + "/applications/" + url.PathEscape(name)
	text, err := w.API.Send(ctx, cluster.Request{Method: http.MethodGet, Path: path, Accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"})
	if err != nil {
		return "", err
	}
	var read struct{ Metadata struct{ UID string } }
	if err := json.Unmarshal(text, &read); err != nil || read.Metadata.UID == "" {
		return "", fmt.Errorf("its answer has no uid (%w)", errors.Join(err, errors.New("it is none of an API server")))
	}
	return read.Metadata.UID, nil
}

// event is the part of an Event that is written (v1, Event).
type event struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	InvolvedObject     reference `json:"involvedObject"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	Type               string    `json:"type"`
	Count              int       `json:"count"`
	FirstTimestamp     time.Time `json:"firstTimestamp"`
	LastTimestamp      time.Time `json:"lastTimestamp"`
	Source             source    `json:"source"`
	ReportingComponent string    `json:"reportingComponent"`
}

type reference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

type source struct {
	Component string `json:"component"`
}

func newEvent(record audit.Record, now time.Time) event {
	now = now.UTC().Truncate(time.Second) // as the API server keeps it
	made := event{
		APIVersion: "v1", Kind: "Event", Type: "Warning", Count: 1, FirstTimestamp: now, LastTimestamp: now,
		Source: source{"assay"}, ReportingComponent: "assay", Message: message(record),
	}
	switch record.Outcome {
	case plugin.Allowed:
		made.Type, made.Reason = "Normal", "AssayAllowed"
	case plugin.Unanswered:
		made.Reason = "AssayUndetermined"
	case plugin.Denied:
		made.Reason = "AssayDenied"
	default:
		made.Reason = "AssayDenied"
	}
	return made
}

func message(record audit.Record) string {
	tail := " (report=" + record.Report + ")"
	text := record.FirstLine
	if most := longestMessage - len(tail); len(text) > most {
		text = strings.ToValidUTF8(text[:most-len("...")], "") + "..."
	}
	return text + tail
}

// eventName is the same for the same words about the same object.
func eventName(name, uid string, record audit.Record) string {
	sum := sha256.Sum256([]byte(uid + "\x00" + record.Repository + "\x00" + record.Path + "\x00" + state(record)))
	return strings.TrimRight(name[:min(len(name), 200)], ".-") + ".assay-" + hex.EncodeToString(sum[:8])
}
