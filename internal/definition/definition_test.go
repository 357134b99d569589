package definition

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"realtime-election/election"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultIsTheSeedsSetting(t *testing.T) {
	d, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Regions) != 12 || len(d.Candidates) != 3 || len(d.Districts()) < 60 {
		t.Errorf("%d regions, %d candidates, %d districts", len(d.Regions), len(d.Candidates), len(d.Districts()))
	}
	for _, c := range d.Candidates {
		name := strings.TrimPrefix(c.Photo, "/portraits/")
		if _, err := Portraits().Open(name); err != nil {
			t.Errorf("portrait of %s: %v", c.Name, err)
		}
	}
}

func TestEveryMistakeOfADefinitionIsReportedWithItsLine(t *testing.T) {
	path := write(t, "wrong.yaml", `id: Wrong Id
name: x
polling:
  opens: 2025-10-29T20:00:00Z
  closes: 2025-10-29T06:00:00Z
candidates:
  - {id: a, name: A, party: P}
  - {id: a, name: "", party: P, color: red}
regions:
  - id: r
    name: R
    districts:
      - {id: d, name: D, registered: many}
      - {id: d, name: D, registered: -1}
  - id: s
    name: S
electorate:
  turnout: {overall: 1.5, by_age: {teen: 0.5}}
  leanings:
    by_region:
      nowhere: {a: 1}
      r: {z: 1, a: .nan}
  arrival:
    - {until: "9:00", share: 0.5}
`)
	_, err := ReadYAML(path)
	var mistakes *Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("got %v", err)
	}
	reported := make(map[int]string)
	for _, m := range mistakes.List {
		reported[m.Line] += m.Text + "\n"
	}
	for _, line := range []int{1, 5, 8, 13, 14, 15, 18, 21, 22, 24} {
		if reported[line] == "" {
			t.Errorf("no mistake of line %d is reported", line)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

const withElectorate = `id: x
name: X
polling: {opens: 2025-10-29T06:00:00Z, closes: 2025-10-29T20:00:00Z}
candidates: [{id: a, name: A, party: P}]
regions: [{id: r, name: R, districts: [{id: d, name: D, registered: 5}]}]
electorate:
  turnout: {overall: 0.5}
  ages:
    18-24: 0.5
    25-34: 0.25
    65+: 0.25
`

func TestAgesOfAnElectorateAreChecked(t *testing.T) {
	d, err := ReadYAML(write(t, "right.yaml", withElectorate))
	if err != nil {
		t.Fatal(err)
	}
	d.Electorate.MinimumCell = 1
	if got := d.RegisteredByAge(); !cmp.Equal(got, []int64{3, 1, 0, 0, 0, 1, 0}) {
		t.Errorf("of 5 voters by age there are %v", got)
	}
	for name, c := range map[string]struct {
		old, new string
		line     int
		says     string
	}{
		"too little":  {"0.5\n    25", "0.4\n    25", 8, "the shares of the age groups sum to 0.9, not to 1"},
		"too much":    {"65+: 0.25", "65+: 0.35", 8, "sum to 1.1"},
		"left out":    {"  ages:\n    18-24: 0.5\n    25-34: 0.25\n    65+: 0.25\n", "", 6, "sum to 0"},
		"no number":   {"65+: 0.25", "65+: .nan", 11, "NaN is not a share"},
		"negative":    {"65+: 0.25", "65+: -0.25", 11, "-0.25 is not a share"},
		"no group":    {"25-34", "25-33", 10, "there is no age group \"25-33\"; there are 18-24, 25-34"},
		"long ago":    {"opens: 2025", "opens: 0925", 3, "from 1000 on"},
		"a word":      {"18-24: 0.5", "18-24: half", 9, "half"},
		"not a share": {"25-34: 0.25", "25-34: 25", 10, "25 is not a share"},
	} {
		_, err := ReadYAML(write(t, "wrong.yaml", strings.Replace(withElectorate, c.old, c.new, 1)))
		var mistakes *Mistakes
		if !errors.As(err, &mistakes) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		reported := false
		for _, m := range mistakes.List {
			reported = reported || m.Line == c.line && strings.Contains(m.Text, c.says)
		}
		if !reported {
			t.Errorf("%s: line %d does not say %q: %v", name, c.line, c.says, err)
		}
	}
}

func TestUnknownFieldOfADefinitionIsReported(t *testing.T) {
	for name, text := range map[string]string{
		"a field":              strings.Replace(withElectorate, "party: P", "party: P, color: red", 1),
		"a field of a replay":  withElectorate + "source: {votes: 7}\n",
		"a second document":    withElectorate + "---\nid: y\n",
		"a field of the wrong": strings.Replace(withElectorate, "registered: 5", "Registered: 5", 1),
	} {
		_, err := ReadYAML(write(t, "wrong.yaml", text))
		var mistakes *Mistakes
		if !errors.As(err, &mistakes) || len(mistakes.List) != 1 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSyntaxErrorOfADefinitionNamesItsLine(t *testing.T) {
	_, err := ReadYAML(write(t, "wrong.yaml", "id: x\nname: [\n"))
	if err == nil || !strings.Contains(err.Error(), "line ") {
		t.Errorf("got %v", err)
	}
}

func TestResultFileBecomesADefinition(t *testing.T) {
	file, err := ReadResultFile(write(t, "r.csv", "\ufeffregion,district_id,district,candidate,party,votes\r\n"+
		"North,1,Hill,Ana,Red,5\r\n"+
		"South,1,\"Dale, Lower\",Ana,Red,0\r\n"+
		"North,1,Hill,Ana,Blue,2\r\n"+
		"South,x y,Moor,李,,7\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := file.Definition
	if diff := cmp.Diff([]election.Candidate{
		{ID: "ana", Name: "Ana", Party: "Red"}, {ID: "ana-2", Name: "Ana", Party: "Blue"}, {ID: "candidate", Name: "李"},
	}, d.Candidates); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]election.Region{
		{ID: "north", Name: "North", Districts: []election.District{{ID: "north-1", Code: "1", Name: "Hill"}}},
		{ID: "south", Name: "South", Districts: []election.District{
			{ID: "south-1", Code: "1", Name: "Dale, Lower"}, {ID: "south-x-y", Code: "x y", Name: "Moor"},
		}},
	}, d.Regions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][2]int{{0, 0}, {1, 0}, {0, 1}, {2, 2}}, d.Source.Lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{5, 0, 2, 7}, file.Votes); diff != "" || d.ExpectedVotes() != 14 {
		t.Error(diff, d.ExpectedVotes())
	}
}

func TestTooManyVotesAreReported(t *testing.T) {
	const header = "region,district_id,district,candidate,party,votes\n"
	for text, says := range map[string]string{
		"N,1,H,A,P,1000000000001\n":                        "line 2: votes is 1000000000001; a result file holds at most 1000000000000 in all",
		"N,1,H,A,P,99999999999999999999\n":                 "line 2: votes is 99999999999999999999; a result file holds at most",
		"N,1,H,A,P,600000000000\nN,2,H,A,P,400000000001\n": "line 3: with this line there are 1000000000001 votes; a result file holds at most 1000000000000 in all: replay some of its regions",
	} {
		_, err := ReadResultFile(write(t, "r.csv", header+text), nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say %q", err, says)
		}
	}
	// Only the regions that are replayed count.
	path := write(t, "r.csv", header+"N,1,H,A,P,1000000000000\nS,2,H,A,P,7\n")
	if file, err := ReadResultFile(path, []string{"S"}); err != nil || file.Definition.ExpectedVotes() != 7 {
		t.Errorf("one region: %v", err)
	}
	if file, err := ReadResultFile(path, []string{"N"}); err != nil || file.Definition.ExpectedVotes() != election.MostVoters {
		t.Errorf("the other region: %v", err)
	}
}

// TestElectionThatKafkaCannotHoldIsRefused reads a file with too many districts.
func TestElectionThatKafkaCannotHoldIsRefused(t *testing.T) {
	var text strings.Builder
	text.WriteString("region,district_id,district,candidate,party,votes\n")
	for district := range 45_000 {
		fmt.Fprintf(&text, "R,%d,%s,A,P,1\n", district, strings.Repeat("d", 180))
	}
	_, err := ReadResultFile(write(t, "r.csv", text.String()), nil)
	var mistakes *Mistakes
	if !errors.As(err, &mistakes) || len(mistakes.List) != 1 || mistakes.List[0].Line != 0 || !strings.Contains(err.Error(), "bytes in Kafka, in one record, which holds at most 8387584") {
		t.Errorf("got %.500v", err)
	}
}

// TestMistakeOfTheWholeHasNoLine checks a mistake that a change of one line cannot correct.
func TestMistakeOfTheWholeHasNoLine(t *testing.T) {
	node := &yaml.Node{Line: 3}
	if line := lineOf(node, nil); line != 0 {
		t.Errorf("line %d", line)
	}
	if line := lineOf(node, []any{"candidates"}); line != 3 {
		t.Errorf("missing candidates are reported in line %d", line)
	}
}

// TestLongestLineIsTaken reads a line with the largest number of characters, which has more bytes.
func TestLongestLineIsTaken(t *testing.T) {
	const header = "region,district_id,district,candidate,party,votes\n"
	name := strings.Repeat("é", maxLine-len("N1AP7"))
	file, err := ReadResultFile(write(t, "r.csv", header+"N,1,"+name+",A,P,7\n"), nil)
	if err != nil || file.Definition.Districts()[0].Name != name {
		t.Errorf("ended with %v", err)
	}
}

func TestOfManyMistakesTheFirstAreListed(t *testing.T) {
	text := "region,district_id,district,candidate,party,votes\n"
	for n := range 30 {
		text += fmt.Sprintf("N,%d,H,A,P,x\n", n)
	}
	_, err := ReadResultFile(write(t, "r.csv", text), nil)
	if err == nil || !strings.Contains(err.Error(), "line 26: ") || strings.Contains(err.Error(), "line 27: ") || !strings.HasSuffix(err.Error(), "and 5 more") {
		t.Errorf("got %v", err)
	}
}

// TestNamesOfOneBeginningGetIDsOfTheirOwn makes ids of names whose first 32 letters are the same, or which have no letters.
func TestNamesOfOneBeginningGetIDsOfTheirOwn(t *testing.T) {
	ids := ids{}
	for _, c := range [][2]string{
		{"Anna Maria Theresia van den Berghe-Jansen", "anna-maria-theresia-van-den-berg"},
		{"Anna Maria Theresia van den Bergen", "anna-maria-theresia-van-den-be-2"},
		{"Anna Maria Theresia van den Berg", "anna-maria-theresia-van-den-be-3"},
		{"Anna Maria Theresia van den Be 3", "anna-maria-theresia-van-den-be-4"},
		{"1234567890 1234567890 123456789 x", "1234567890-1234567890-123456789"},
		{"李", "candidate"},
		{"王", "candidate-2"},
		{"---", "candidate-3"},
	} {
		if got := ids.next(c[0], "candidate"); got != c[1] || !election.ValidCandidateID(got) {
			t.Errorf("%s has the id %s, want %s", c[0], got, c[1])
		}
	}
}

// TestFilesOfOtherVotesAreOtherElections reads files with the same sum of votes. A replay of one must not go on with another.
func TestFilesOfOtherVotesAreOtherElections(t *testing.T) {
	const header = "region,district_id,district,candidate,party,votes\n"
	seen := make(map[string]string)
	for _, text := range []string{
		"N,1,H,A,P,3\nN,2,D,A,P,4\n", "N,1,H,A,P,4\nN,2,D,A,P,3\n", "N,2,D,A,P,4\nN,1,H,A,P,3\n", "N,1,H,A,P,7\nN,2,D,A,P,0\n", "N,1,H,A,P,7\n",
	} {
		file, err := ReadResultFile(write(t, "r.csv", header+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		fingerprint := file.Definition.Fingerprint()
		if other := seen[fingerprint]; other != "" {
			t.Errorf("one election of %q and %q", text, other)
		}
		seen[fingerprint] = text
	}
}

func TestOnlyTheNamedRegionsAreTaken(t *testing.T) {
	path := write(t, "r.csv", "region,district_id,district,candidate,party,votes\nNorth,1,Hill,Ana,Red,5\nSouth,2,Dale,Bo,Blue,3\n")
	file, err := ReadResultFile(path, []string{"South"})
	if err != nil {
		t.Fatal(err)
	}
	if got := file.Definition.ExpectedVotes(); got != 3 || len(file.Definition.Candidates) != 1 {
		t.Errorf("%d votes, candidates %v", got, file.Definition.Candidates)
	}
	if _, err := ReadResultFile(path, []string{"East"}); err == nil || !strings.Contains(err.Error(), `"North" "South"`) {
		t.Errorf("got %v", err)
	}
}

func TestEveryMistakeOfAResultFileIsReportedWithItsLine(t *testing.T) {
	const header = "region,district_id,district,candidate,party,votes\n"
	for name, c := range map[string]struct {
		text  string
		lines []int
	}{
		"header":      {"region,district,candidate,votes\n", []int{1}},
		"empty":       {"", []int{1}},
		"votes":       {header + "N,1,H,A,P,-1\nN,2,H,A,P,1.5\nN,3,H,A,P,\nN,4,H,A,P,\"1,000\"\nN,5,H,A,P,99999999999999\n", []int{2, 3, 4, 5, 6}},
		"too many":    {header + "N,1,H,A,P,1000000000001\nN,2,H,A,P,9999999999999999999999\n", []int{2, 3}},
		"in all":      {header + "N,1,H,A,P,999999999999\nN,2,H,A,P,1\nN,3,H,A,P,1\nN,4,H,A,P,1\n", []int{4}}, // the line from which there are too many
		"columns":     {header + "N,1,H,A,P\nN,1,H,A,P,1,2\n", []int{2, 3}},
		"blank field": {header + "N,1,H,,P,1\n,1,H,A,P,1\n", []int{2, 3}},
		"repeated":    {header + "N,1,H,A,P,1\nN,1,H,A,P,1\n", []int{3}},
		"two names":   {header + "N,1,H,A,P,1\nN,1,G,B,P,1\n", []int{3}},
		"quotes":      {header + "N,1,H,A,P,1\nN,1,\"H,B,P,1\n", []int{3}},
		"UTF-8":       {header + "N,1,H,A\xff,P,1\n", []int{2}},
		"no vote":     {header + "N,1,H,A,P,0\n", []int{0}},
		"no line":     {header, []int{0}},
		"control":     {header + "N,1,H\x1b[2J,A,P,1\n", []int{2}},
		"long name":   {header + "N,1,H," + strings.Repeat("é", 201) + ",P,1\n", []int{2}},
		"all at once": {header + "N,1,H,A,P,x\nN,1,H,A,P,1\nN,\"2\"x,H,A,P,1\nN,1,G,B,P,1\nN,3,H,,P,1\n", []int{2, 3, 4, 5, 6}},
	} {
		_, err := ReadResultFile(write(t, "r.csv", c.text), nil)
		var mistakes *Mistakes
		if !errors.As(err, &mistakes) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		var lines []int
		for _, m := range mistakes.List {
			lines = append(lines, m.Line)
		}
		if diff := cmp.Diff(c.lines, lines); diff != "" {
			t.Errorf("%s: %s\n%v", name, diff, err)
		}
	}
}
