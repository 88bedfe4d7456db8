package reports

import (
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// list answers with a page of applications.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit := defaultPage
	if text := query.Get("limit"); text != "" {
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 || number > mostPage {
			fail(w, http.StatusBadRequest, fmt.Errorf("limit is no number from 1 to %d", mostPage))
			return
		}
		limit = number
	}
	after := query.Get("after")
	if after != "" && len(after) != len(ID("")) {
		fail(w, http.StatusBadRequest, errors.New("after is not what the page before gave as next"))
		return
	}
	if query.Has("application") { // its page begins before it, and ends behind it
		after, limit = before(ID(query.Get("application"))), 1
	}
	pages, more, err := s.Store.after(after, limit)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer := Page{Applications: []Application{}, Gates: []string{s.Gate}, Silent: []Silent{}}
	parts := []part{{pages: pages, more: more}}
	if !isPeer(r) {
		told, silent := ask[Page](r.Context(), s, "/api/v1/applications", url.Values{"limit": {strconv.Itoa(limit)}, "after": {after}, "records": {"true"}})
		answer.Silent = silent
		for _, each := range told {
			parts = append(parts, each.part())
			answer.Gates = append(answer.Gates, each.Gates...)
		}
	}
	slices.Sort(answer.Gates)
	answer.Gates = slices.Compact(answer.Gates)
	joint, more := joined(parts, limit)
	if more && len(joint) > 0 && !query.Has("application") {
		answer.Next = joint[len(joint)-1].id
	}
	for _, each := range joint {
		entry := each.entry(query.Get("records") == "true")
		if wanted(query, entry) {
			answer.Applications = append(answer.Applications, entry)
		}
	}
	respond(w, http.StatusOK, answer)
}

// before is the id in front of one.
func before(id string) string {
	number, _ := new(big.Int).SetString(id, 16)
	return fmt.Sprintf("%0*x", len(id), number.Sub(number, big.NewInt(1)))
}

// wanted reports whether an application is one of those that were asked for.
func wanted(query url.Values, entry Application) bool {
	for name, value := range map[string]string{"project": entry.Project, "outcome": entry.Outcome, "application": entry.Application} {
		if query.Has(name) && query.Get(name) != value {
			return false
		}
	}
	return true
}

// part is what a peer said, as its store would have.
func (p Page) part() part {
	told := part{more: p.Next != "", gates: p.Gates}
	for _, each := range p.Applications {
		told.pages = append(told.pages, page{each.ID, each.Records, each.Damaged})
	}
	return told
}
