package web

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// location is a district of a snapshot.
type location struct {
	*results.DistrictVotes
	leaders []int // the candidates with the most votes; none before the first vote, several in a tie
}

func newLocation(s *results.Snapshot, district int) location {
	l := location{DistrictVotes: &s.Districts[district]}
	var most int64
	for c, votes := range l.ByCandidate {
		if votes > most {
			most, l.leaders = votes, l.leaders[:0]
		}
		if votes == most && most > 0 {
			l.leaders = append(l.leaders, c)
		}
	}
	return l
}

// label is the district's name.
func (l location) label() string { return cmp.Or(l.Name, string(l.ID)) }

// locationPage is a page of the rows that match a query.
type locationPage struct {
	query    locationQuery // its page exists
	matching int           // rows on all pages
	from     int           // rows before this page
	rows     []location
}

func (p locationPage) pages() int { return max(1, (p.matching+p.query.Size-1)/p.query.Size) }

// searchIndex has the names of a definition, prepared for searching and sorting. It is made once for a definition, since that
// costs more than the answer to a query.
type searchIndex struct {
	definition *election.Definition
	searchText []string // names of district and region as [fold] makes them, by district
	byName     []int    // districts, sorted by name, then by region, then by id
	region     []int    // rank of the region by name, by district
	candidate  []int    // rank of the candidate by name, by candidate
}

func newSearchIndex(d *election.Definition) *searchIndex {
	a := &searchIndex{definition: d}
	districts := d.Districts()
	names := make([][3]string, len(districts))
	regions := make([]string, len(districts))
	for i, in := range districts {
		name, region := fold(cmp.Or(in.Name, string(in.ID))), fold(in.Region.Name)
		names[i] = [3]string{sortKey(name), sortKey(region), string(in.ID)}
		regions[i] = sortKey(region) + "\x00" + string(in.Region.ID)
		a.searchText = append(a.searchText, name+"\n"+region)
		a.byName = append(a.byName, i)
	}
	slices.SortFunc(a.byName, func(i, j int) int { return slices.Compare(names[i][:], names[j][:]) })
	a.region = ranks(regions)
	var candidates []string
	for _, c := range d.Candidates {
		candidates = append(candidates, fold(c.Name)+"\x00"+string(c.ID))
	}
	a.candidate = ranks(candidates)
	return a
}

// ranks are the ranks of texts in their sorted order. Equal texts have the same rank.
func ranks(texts []string) []int {
	sorted := slices.Compact(slices.Sorted(slices.Values(texts)))
	all := make([]int, len(texts))
	for i, text := range texts {
		all[i], _ = slices.BinarySearch(sorted, text)
	}
	return all
}

// find returns the page of a query. For a page beyond the last it returns the last.
func (a *searchIndex) find(s *results.Snapshot, q locationQuery) locationPage {
	matching := make([]int, 0, len(a.byName))
	words := strings.Fields(fold(q.Search))
	for _, i := range a.byName {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(a.searchText[i], word) }) {
			matching = append(matching, i)
		}
	}
	a.sort(s, q, matching)
	page := locationPage{query: q, matching: len(matching)}
	page.query.Page = min(q.Page, page.pages())
	page.from = (page.query.Page - 1) * q.Size
	for _, i := range matching[page.from:min(page.from+q.Size, len(matching))] {
		page.rows = append(page.rows, newLocation(s, i))
	}
	return page
}

// sort sorts districts that are sorted by name already. In either direction, districts with equal values stay in that order, and
// districts whose value is not known come last.
func (a *searchIndex) sort(s *results.Snapshot, q locationQuery, districts []int) {
	if q.Sort == byDistrict {
		if q.Descending {
			slices.Reverse(districts)
		}
		return
	}
	type keyed struct {
		district int
		known    bool
		key      float64
	}
	all := make([]keyed, len(districts))
	value := a.column(s, q.Sort)
	for i, d := range districts {
		key, known := value(d)
		all[i] = keyed{d, known, key}
	}
	slices.SortStableFunc(all, func(x, y keyed) int {
		switch {
		case x.known != y.known:
			if x.known {
				return -1
			}
			return 1
		case q.Descending:
			return cmp.Compare(y.key, x.key)
		}
		return cmp.Compare(x.key, y.key)
	})
	for i := range all {
		districts[i] = all[i].district
	}
}

// column returns the function with the number by which to sort a district. For names it is the rank. Votes are far below 2^53.
func (a *searchIndex) column(s *results.Snapshot, name string) func(district int) (key float64, known bool) {
	switch name {
	case byRegion:
		return func(d int) (float64, bool) { return float64(a.region[d]), true }
	case byRegistered:
		return func(d int) (float64, bool) {
			return float64(s.Districts[d].Registered), s.Districts[d].Registered > 0
		}
	case byVotes:
		return func(d int) (float64, bool) { return float64(s.Districts[d].Votes), true }
	case byTurnout:
		return func(d int) (float64, bool) {
			registered := s.Districts[d].Registered
			return share(s.Districts[d].Votes, registered), registered > 0
		}
	case byLeader:
		return func(d int) (float64, bool) {
			switch leaders := newLocation(s, d).leaders; len(leaders) {
			case 0:
				return 0, false
			case 1:
				return float64(a.candidate[leaders[0]]), true
			}
			return float64(len(a.candidate)), true // ties come after all names
		}
	}
	c := candidateIndex(s, strings.TrimPrefix(name, byCandidate))
	return func(d int) (float64, bool) { return float64(s.Districts[d].ByCandidate[c]), true }
}

// strokes replaces letters that Unicode does not decompose, such as ø. People search for them without strokes.
var strokes = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ħ", "h", "ı", "i", "æ", "ae", "œ", "oe")

// fold removes differences of case, accents and width between letters.
func fold(text string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(text))
	return strokes.Replace(cases.Fold().String(bare))
}

var digits = regexp.MustCompile(`[0-9]+`)

// sortKey pads numbers with zeros, so that 2 comes before 10.
func sortKey(text string) string {
	return digits.ReplaceAllStringFunc(text, func(number string) string {
		return strings.Repeat("0", max(0, 12-len(number))) + number
	})
}

// searchIndexes keeps the index of the newest definition.
type searchIndexes struct {
	mu   sync.Mutex
	last *searchIndex
}

func (a *searchIndexes) of(d *election.Definition) *searchIndex {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil || a.last.definition != d {
		a.last = newSearchIndex(d)
	}
	return a.last
}
