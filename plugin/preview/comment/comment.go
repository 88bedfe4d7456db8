// Package comment posts a report to the pull request that it is about, as one
// comment that is updated. It speaks the few calls of GitHub's and GitLab's
// REST interfaces that this takes.
package comment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Target is a pull or merge request, and who writes to it.
type Target struct {
	// API is the address of the REST interface: https://api.github.com, or GitLab's
	// https://gitlab.com/api/v4.
	API string
	// Project is "owner/name" at GitHub, and the number or path at GitLab.
	Project string
	// Number is that of the pull request, or the merge request's iid.
	Number int
	// Token authenticates. No text shows it.
	Token string
}

// Poster posts one comment.
type Poster struct {
	// Client makes the requests; nil has a deadline of half a minute for each.
	Client *http.Client
	// Wait waits between two tries; nil sleeps until the context ends.
	Wait func(ctx context.Context, d time.Duration) error
}

// service is what differs between the two.
type service interface {
	// list gives one page of comments, the oldest first; empty is the end.
	list(page int) (method, path string)
	create() (method, path string)
	update(id int64) (method, path string)
}

// Services are the names of what can be posted to.
func Services() []string { return []string{"github", "gitlab"} }

// Limit is the most characters that a service takes in one comment.
func Limit(service string) int {
	if service == "gitlab" {
		return 1_000_000
	}
	return 65_536
}

// Post writes the body as a comment, in the place of an earlier one of the same
// author that begins with the marker. Comments of others are left alone: who
// wrote one could change the report that was put in its place.
func (p Poster) Post(ctx context.Context, name string, target Target, marker, body string) error {
	if err := target.check(); err != nil {
		return fmt.Errorf("posting the comment: %w", err)
	}
	if marker == "" || !strings.HasPrefix(body, marker) {
		return errors.New("posting the comment: it does not begin with its marker; this is a defect of assay, please report it")
	}
	s, err := target.service(name)
	if err != nil {
		return fmt.Errorf("posting the comment: %w", err)
	}
	c := caller{Poster: p, target: target, name: name}
	earlier, err := c.earlier(ctx, s, marker)
	if err != nil {
		return fmt.Errorf("looking for an earlier comment on %s: %w", target, err)
	}
	if len(earlier) > 0 {
		method, path := s.update(earlier[0])
		if err := c.call(ctx, request{method: method, path: path, body: map[string]string{"body": body}}, nil); err != nil {
			return fmt.Errorf("updating the comment on %s: %w", target, err)
		}
		return nil
	}
	method, path := s.create()
	if err := c.call(ctx, request{method: method, path: path, body: map[string]string{"body": body}}, nil); err != nil {
		return fmt.Errorf("posting the comment on %s: %w", target, err)
	}
	return nil
}

// String names the request for people.
func (t Target) String() string { return fmt.Sprintf("%s #%d", t.Project, t.Number) }

func (t Target) service(name string) (service, error) {
	switch name {
	case "github":
		return github(t), nil
	case "gitlab":
		return gitlab(t), nil
	}
	return nil, fmt.Errorf("%q is none of %s", name, strings.Join(Services(), ", "))
}

const (
	// mostPages bounds the search for an earlier comment, in pages of a hundred.
	mostPages = 30
	perPage   = 100
)

// author is who wrote a comment; GitHub says user, GitLab says author.
type author struct {
	Login    string `json:"login"`
	Username string `json:"username"`
	Type     string `json:"type"`
}

func (a author) name() string { return cmp.Or(a.Login, a.Username) }

// self is who the token belongs to. GitHub tells it to people alone: a token of
// an app, such as that of a workflow, is then one of a bot.
func (c caller) self(ctx context.Context) (author, error) {
	var me author
	err := c.call(ctx, request{method: http.MethodGet, path: "/user"}, &me)
	var refused *refusal
	if c.name == "github" && errors.As(err, &refused) && slices.Contains([]int{http.StatusForbidden, http.StatusNotFound}, refused.status) {
		return author{Type: "Bot"}, nil
	}
	if err == nil && me.name() == "" {
		err = errors.New("the service does not say whom the token belongs to")
	}
	return me, err
}

// wrote reports whether a comment may be of the one who writes now.
func (a author) wrote(comment author) bool {
	if a.name() == "" {
		return comment.Type == a.Type
	}
	return comment.name() == a.name()
}

// earlier are the comments of the same author that begin with the marker, the
// newest first.
func (c caller) earlier(ctx context.Context, s service, marker string) ([]int64, error) {
	self, err := c.self(ctx)
	if err != nil {
		return nil, err
	}
	var found []int64
	for page := 1; page <= mostPages; page++ {
		method, path := s.list(page)
		var comments []struct {
			ID     int64  `json:"id"`
			Body   string `json:"body"`
			User   author `json:"user"`
			Author author `json:"author"`
		}
		if err := c.call(ctx, request{method: method, path: path}, &comments); err != nil {
			return nil, err
		}
		for _, each := range comments {
			if strings.HasPrefix(each.Body, marker) && self.wrote(cmp.Or(each.User, each.Author)) {
				found = append(found, each.ID)
			}
		}
		if len(comments) < perPage {
			break
		}
	}
	slices.Reverse(found)
	return found, nil
}
