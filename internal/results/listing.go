package results

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"realtime-election/election"
	"realtime-election/internal/definition"
)

// Listing is a snapshot as lines of text, one for each number of votes.
type Listing struct {
	Columns []string
	Rows    [][]string // each with a field for each column; the last is the votes
	crlf    bool       // whether the replayed file, and so the CSV, ends lines by CR LF
}

// By says what a line of a Listing is about.
type By string

// Each line is a candidate, a region and a candidate, or a district and a candidate.
const (
	ByCandidate By = "candidate"
	ByRegion    By = "region"
	ByDistrict  By = "district"
)

// List makes a listing of the snapshot, with the lines that have no votes. A listing by district has the columns and the order
// of the replayed file.
func (s *Snapshot) List(by By) Listing {
	number := func(votes int64) string { return strconv.FormatInt(votes, 10) }
	switch by {
	case ByCandidate:
		l := Listing{Columns: []string{"candidate", "party", "votes"}}
		for _, c := range s.Candidates {
			l.Rows = append(l.Rows, []string{c.Name, c.Party, number(c.Votes)})
		}
		return l
	case ByRegion:
		l := Listing{Columns: []string{"region", "candidate", "party", "votes"}}
		for _, region := range s.Regions {
			for i, c := range s.Candidates {
				l.Rows = append(l.Rows, []string{region.Name, c.Name, c.Party, number(region.ByCandidate[i])})
			}
		}
		return l
	}
	l := Listing{Columns: definition.Columns}
	if s.Definition != nil && s.Definition.Source != nil {
		l.crlf = s.Definition.Source.CRLF
	}
	for _, at := range s.districtLines() {
		d, c := s.Districts[at[0]], s.Candidates[at[1]]
		l.Rows = append(l.Rows, []string{d.DistrictIn.Region.Name, d.FileCode(), d.Name, c.Name, c.Party, number(d.ByCandidate[at[1]])})
	}
	return l
}

// districtLines are the pairs of district and candidate to list. Of a replay, these are the pairs of the file in its order, and
// then all others that have votes. Otherwise they are all pairs.
func (s *Snapshot) districtLines() [][2]int {
	var source *election.Source
	if s.Definition != nil {
		source = s.Definition.Source
	}
	var all [][2]int
	listed := make(map[[2]int]bool)
	if source != nil {
		all = slices.Clone(source.Lines)
		for _, at := range all {
			listed[at] = true
		}
	}
	for d := range s.Districts {
		for c := range s.Candidates {
			if at := [2]int{d, c}; !listed[at] && (source == nil || s.Districts[d].ByCandidate[c] > 0) {
				all = append(all, at)
			}
		}
	}
	return all
}

// WriteCSV writes the columns and the rows.
func (l Listing) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	w.UseCRLF = l.crlf
	return cmp.Or(w.Write(l.Columns), w.WriteAll(l.Rows)) // WriteAll flushes
}

// Objects are the rows as JSON objects: the columns are the names, and the votes are a number.
func (l Listing) Objects() []map[string]any {
	objects := make([]map[string]any, 0, len(l.Rows))
	for _, row := range l.Rows {
		object := make(map[string]any)
		for i, column := range l.Columns {
			object[column] = row[i]
		}
		object["votes"] = json.Number(row[len(row)-1])
		objects = append(objects, object)
	}
	return objects
}
