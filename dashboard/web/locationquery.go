package web

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// The columns of the locations, by the names that the parameter sort has for them. A candidate's column is byCandidate and the
// candidate's id.
const (
	byDistrict   = "district"
	byRegion     = "region"
	byRegistered = "registered"
	byVotes      = "votes"
	byTurnout    = "turnout"
	byLeader     = "leader"
	byCandidate  = "candidate."
)

const (
	defaultSize = 25
	maxSearch   = 100 // characters
)

// sizes are the numbers of rows that a page may have.
var sizes = []int{10, 25, 50, 100}

// locationQuery is a request for rows of the locations.
type locationQuery struct {
	Search     string // parameter q: words that the names of district and region must contain
	Sort       string // parameter sort: a column
	Descending bool   // parameter dir: asc or desc; its default depends on the column
	Size       int    // parameter size: one of sizes
	Page       int    // parameter page: from 1
}

// parseLocationQuery reads the parameters. A wrong one gets its default, and the error names it.
func parseLocationQuery(values url.Values, s *results.Snapshot) (locationQuery, error) {
	q := locationQuery{Sort: byDistrict, Size: defaultSize, Page: 1}
	var wrong []error
	refuse := func(parameter, rule string) {
		wrong = append(wrong, fmt.Errorf("%s=%q: %s", parameter, values.Get(parameter), rule))
	}
	switch search := values.Get("q"); {
	case !utf8.ValidString(search):
		refuse("q", "it is not UTF-8")
	case utf8.RuneCountInString(search) > maxSearch:
		refuse("q", fmt.Sprintf("it is longer than %d characters", maxSearch))
	default:
		q.Search = search
	}
	if column := values.Get("sort"); column != "" {
		if isColumn(column, s) {
			q.Sort = column
		} else {
			refuse("sort", "no such column; there are "+strings.Join(
				[]string{byDistrict, byRegion, byRegistered, byVotes, byTurnout, byLeader}, ", ")+", and "+byCandidate+"ID for each candidate")
		}
	}
	switch values.Get("dir") {
	case "":
		q.Descending = numeric(q.Sort)
	case "asc":
	case "desc":
		q.Descending = true
	default:
		q.Descending = numeric(q.Sort)
		refuse("dir", "it must be asc or desc")
	}
	if size := values.Get("size"); size != "" {
		if n, err := strconv.Atoi(size); err == nil && slices.Contains(sizes, n) {
			q.Size = n
		} else {
			refuse("size", "it must be 10, 25, 50 or 100")
		}
	}
	if page := values.Get("page"); page != "" {
		if n, err := strconv.Atoi(page); err == nil && n >= 1 {
			q.Page = n
		} else {
			refuse("page", "it must be a number from 1")
		}
	}
	return q, errors.Join(wrong...)
}

func isColumn(name string, s *results.Snapshot) bool {
	if id, ok := strings.CutPrefix(name, byCandidate); ok {
		return candidateIndex(s, id) >= 0
	}
	return slices.Contains([]string{byDistrict, byRegion, byRegistered, byVotes, byTurnout, byLeader}, name)
}

func candidateIndex(s *results.Snapshot, id string) int {
	return slices.IndexFunc(s.Candidates, func(c results.CandidateVotes) bool { return c.ID == election.CandidateID(id) })
}

// numeric reports whether a column has numbers, which begin with the greatest by default. Names begin with A.
func numeric(column string) bool {
	return column != byDistrict && column != byRegion && column != byLeader
}

// direction is the query's parameter dir.
func (q locationQuery) direction() string {
	if q.Descending {
		return "desc"
	}
	return "asc"
}

// sortedBy is the query after a press on a column's header: sorted by that column, or in reverse if it already was.
func (q locationQuery) sortedBy(column string) locationQuery {
	if q.Sort == column {
		q.Descending = !q.Descending
	} else {
		q.Sort, q.Descending = column, numeric(column)
	}
	q.Page = 1
	return q
}

// onPage is the query for another page.
func (q locationQuery) onPage(page int) locationQuery {
	q.Page = page
	return q
}

// values are the query's parameters, without those at their default.
func (q locationQuery) values() url.Values {
	v := url.Values{}
	if q.Search != "" {
		v.Set("q", q.Search)
	}
	if q.Sort != byDistrict {
		v.Set("sort", q.Sort)
	}
	if q.Descending != numeric(q.Sort) {
		v.Set("dir", q.direction())
	}
	if q.Size != defaultSize {
		v.Set("size", strconv.Itoa(q.Size))
	}
	if q.Page != 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	return v
}
