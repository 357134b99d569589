package web

import (
	"io/fs"
	"net/url"
	"strings"

	"realtime-election/election"
)

// Portraits are the candidates' pictures. Without FS every candidate is shown by initials.
type Portraits struct{ FS fs.FS }

// of is the path under which the candidate's portrait is served, empty if it is not. Pictures of other sites are not
// shown: they would tell those sites who looks at the results, and the Content-Security-Policy forbids them.
func (p Portraits) of(c *election.Candidate) string {
	name := strings.TrimPrefix(strings.TrimPrefix(c.Photo, "/"), "portraits/")
	if p.FS == nil || name == "" || !fs.ValidPath(name) {
		return ""
	}
	if info, err := fs.Stat(p.FS, name); err != nil || info.IsDir() {
		return ""
	}
	return (&url.URL{Path: "/portraits/" + name}).EscapedPath()
}

// initials stand in for a portrait: the first letter of the first and of the last word.
func initials(name string) string {
	words := strings.Fields(name)
	switch len(words) {
	case 0:
		return "?"
	case 1:
		return letter(words[0])
	}
	return letter(words[0]) + letter(words[len(words)-1])
}

func letter(word string) string {
	for _, r := range word {
		return strings.ToUpper(string(r))
	}
	return ""
}
