package sparkjob

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
)

var (
	comment = regexp.MustCompile(`--.*`)
	// cell matches a line of cells: a topic, and its natural key as columns of ballots.sql.
	cell = regexp.MustCompile(`struct\('(\w+)' AS topic, (?:(\w+)|concat\(([^()]+)\)) AS natural_key\)`)
	// column matches a column of named, and part its position in the natural key of a topic.
	column = regexp.MustCompile(`(?s)CASE topic(.*?)END AS (\w+)`)
	part   = regexp.MustCompile(`\s*WHEN '(\w+)' THEN part\[(\d+)\]\s*`)
)

// clause is the text of totals.sql between two others.
func clause(t *testing.T, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(comment.ReplaceAllString(totalsSQL, ""), from)
	text, _, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("totals.sql has nothing between %q and %q", from, to)
	}
	return text
}

// TestCellsAreTheAggregationsDeclared checks that a ballot, and a rejected record, is counted once in each aggregation that
// is declared, in the cell of its key, and in no other.
func TestCellsAreTheAggregationsDeclared(t *testing.T) {
	t.Parallel()
	type cells map[string][]string // by topic: the columns of the key
	read := func(text string) cells {
		got := make(cells)
		matches := cell.FindAllStringSubmatch(text, -1)
		for _, m := range matches {
			topic, columns := m[1], []string{m[2]}
			if m[3] != "" {
				columns = strings.Split(m[3], ", '/', ")
			}
			if got[topic] != nil {
				t.Errorf("%s is counted twice", topic)
			}
			got[topic] = columns
		}
		if n := strings.Count(text, "struct("); n != len(matches) {
			t.Errorf("%d of %d cells can be read: each is struct('topic' AS topic, column or concat(column, '/', column) AS natural_key)", len(matches), n)
		}
		return got
	}
	votes, rejected := make(cells), make(cells)
	for _, a := range election.Aggregations() {
		into := votes
		if a.OfRejected() {
			into = rejected
		}
		for _, field := range a.Key {
			into[a.Topic] = append(into[a.Topic], string(field))
		}
	}
	ofVotes, ofRejected, found := strings.Cut(clause(t, "array(", "AS cell"), "array(")
	if !found {
		t.Fatal("cells has no array of votes and one of rejected records")
	}
	if diff := cmp.Diff(votes, read(ofVotes)); diff != "" {
		t.Errorf("cells of votes (-election.Aggregations +totals.sql):\n%s", diff)
	}
	if diff := cmp.Diff(rejected, read(ofRejected)); diff != "" {
		t.Errorf("cells of rejected records (-election.Aggregations +totals.sql):\n%s", diff)
	}
}

// TestResultsNameTheFieldsOfTheirKeys checks that a value has the fields of its key, with the same values, and no other.
func TestResultsNameTheFieldsOfTheirKeys(t *testing.T) {
	t.Parallel()
	want, got := make(map[string]map[string]int), make(map[string]map[string]int) // by field and topic: which part
	put := func(in map[string]map[string]int, field, topic string, at int) {
		if in[field] == nil {
			in[field] = make(map[string]int)
		}
		in[field][topic] = at
	}
	value := clause(t, "named_struct(", "AS value")
	for _, a := range election.Aggregations() {
		for i, field := range a.Key {
			put(want, string(field), a.Topic, i)
			if !regexp.MustCompile(`'` + string(field) + `', (named\.)?` + string(field) + `,`).MatchString(value) {
				t.Errorf("the value of a result has no %s", field)
			}
		}
	}
	columns := column.FindAllStringSubmatch(clause(t, "named AS (", "FROM parts"), -1)
	for _, m := range columns {
		for _, branch := range part.FindAllStringSubmatch(m[1], -1) {
			at, err := strconv.Atoi(branch[2])
			if err != nil {
				t.Fatal(err)
			}
			if _, twice := got[m[2]][branch[1]]; twice {
				t.Errorf("%s of %s is set twice", m[2], branch[1])
			}
			put(got, m[2], branch[1], at)
		}
		if rest := part.ReplaceAllString(m[1], ""); rest != "" {
			t.Errorf("%s: %q is not WHEN 'topic' THEN part[number]", m[2], rest)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-election.Aggregations +totals.sql):\n%s", diff)
	}
}
