package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestServe_ProfilerIsThereOnlyWhenItIsAskedFor(t *testing.T) {
	for profile, want := range map[bool]int{false: http.StatusNotFound, true: http.StatusOK} {
		answer := httptest.NewRecorder()
		routes(http.NotFoundHandler(), profile).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil))
		if answer.Code != want {
			t.Errorf("with profile %v it answers %d", profile, answer.Code)
		}
	}
}
