package comment

import (
	"fmt"
	"net/http"
)

// github are the calls of GitHub's issue comments, which pull requests have,
// too (REST, 2022-11-28).
type github Target

func (g github) list(page int) (method, path string) {
	return http.MethodGet, fmt.Sprintf("/repos/%s/issues/%d/comments?per_page=%d&page=%d", g.Project, g.Number, perPage, page)
}

func (g github) create() (method, path string) {
	return http.MethodPost, fmt.Sprintf("/repos/%s/issues/%d/comments", g.Project, g.Number)
}

func (g github) update(id int64) (method, path string) {
	return http.MethodPatch, fmt.Sprintf("/repos/%s/issues/comments/%d", g.Project, id)
}
