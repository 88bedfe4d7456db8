package comment

import (
	"fmt"
	"net/http"
	"net/url"
)

// gitlab are the calls of GitLab's merge request notes (REST, v4).
type gitlab Target

func (g gitlab) notes() string {
	return fmt.Sprintf("/projects/%s/merge_requests/%d/notes", url.PathEscape(g.Project), g.Number)
}

func (g gitlab) list(page int) (method, path string) {
	return http.MethodGet, fmt.Sprintf("%s?sort=asc&per_page=%d&page=%d", g.notes(), perPage, page)
}

func (g gitlab) create() (method, path string) { return http.MethodPost, g.notes() }

func (g gitlab) update(id int64) (method, path string) {
	return http.MethodPut, fmt.Sprintf("%s/%d", g.notes(), id)
}
