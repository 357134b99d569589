package web

import (
	"io/fs"
	"net/url"
	"strings"

	"realtime-election/election"
)

// Portraits are the candidates' pictures. If FS is nil, the page shows initials for every candidate.
type Portraits struct{ FS fs.FS }

// of is the path of the candidate's portrait on this site, empty if it has none. The page never shows pictures of other sites:
// those sites would learn who looks at the results, and the Content-Security-Policy forbids it.
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

// initials are the first letters of the first and the last word. The page shows them without a portrait.
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
