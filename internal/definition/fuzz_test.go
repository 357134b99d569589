package definition

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
)

// wantMistakes checks that an error lists at least one mistake, and that the text has the lines of all mistakes.
func wantMistakes(t *testing.T, text []byte, err error) {
	t.Helper()
	var mistakes *Mistakes
	if !errors.As(err, &mistakes) || len(mistakes.List) == 0 || !strings.Contains(err.Error(), mistakes.List[0].Text) {
		t.Fatalf("got %v", err)
	}
	for _, m := range mistakes.List {
		if m.Line < 0 || m.Line > 1+bytes.Count(text, []byte{'\n'})+bytes.Count(text, []byte{'\r'}) {
			t.Errorf("line %d of %q: %s", m.Line, text, m.Text)
		}
	}
}

// wantWhole checks that a definition has no mistakes, and is the same after it was encoded and decoded.
func wantWhole(t *testing.T, d *election.Definition) {
	t.Helper()
	if problems := d.Check(); len(problems) > 0 {
		t.Errorf("a definition was read that is wrong: %v", problems)
	}
	installation := election.Installation{Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: 4}
	value, err := installation.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var again election.Installation
	if err := json.Unmarshal(value, &again); err != nil || again.Definition.Fingerprint() != again.Fingerprint {
		t.Errorf("from Kafka comes another definition (%v): %s", err, value)
	}
	if registered := d.RegisteredVoters(); registered < 0 || registered > election.MostVoters {
		t.Errorf("%d voters are registered", registered)
	}
	var sum int64
	for _, n := range d.RegisteredByAge() {
		sum += n
	}
	if d.Electorate != nil && sum != d.RegisteredVoters() {
		t.Errorf("of %d voters the age groups have %d", d.RegisteredVoters(), sum)
	}
}

// FuzzDefinition reads any text as a definition.
func FuzzDefinition(f *testing.F) {
	f.Add([]byte(withElectorate))
	f.Add([]byte("---"))
	f.Add([]byte(strings.Replace(withElectorate, "registered: 5", "registered: 9223372036854775807", 1)))
	f.Add([]byte("id: &a [*a, *a]\nname: {"))
	f.Add([]byte("\xff\xfe---\r\n- 1\r---"))
	f.Add([]byte("id: x\n---\nid: y"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parseYAML("a file", text)
		if err != nil {
			wantMistakes(t, text, err)
			return
		}
		wantWhole(t, d)
	})
}

// FuzzResultFile reads any text as a result file, writes it again, and reads the same.
func FuzzResultFile(f *testing.F) {
	const header = "region,district_id,district,candidate,party,votes\n"
	f.Add([]byte(header+"North,1,Hill,Ana,Red,5\nSouth,1,\"Dale, Lower\",Ana,Red,0\nNorth,1,Hill,Ana,Blue,2\nSouth,x y,Moor,李,,7\n"), "")
	f.Add([]byte("\ufeff"+strings.ReplaceAll(header, "\n", "\r\n")+"N,1,H,A,P,1\r\n"), "N")
	f.Add([]byte(header+"N,1,H,A,P,1000000000000\nN,2,H,A,P,1\n"), "")
	f.Add([]byte(header+"N,1,\"H,A,P,1\n"), "S")
	f.Add([]byte(header+"N,-,H,---,P,1\nN,--,H,--,P,1\n"), "")
	f.Fuzz(func(t *testing.T, text []byte, region string) {
		var regions []string
		if region != "" {
			regions = []string{region}
		}
		file, err := parseResultFile("a file", text, regions)
		if err != nil {
			wantMistakes(t, text, err)
			return
		}
		d := file.Definition
		wantWhole(t, d)
		var sum int64
		for _, votes := range file.Votes {
			sum += votes
		}
		if sum != d.ExpectedVotes() || sum < 1 || sum > election.MostVoters || len(file.Votes) != len(d.Source.Lines) {
			t.Errorf("%d lines of %d have %d votes, where %d are expected", len(file.Votes), len(d.Source.Lines), sum, d.ExpectedVotes())
		}
		var written bytes.Buffer
		w := csv.NewWriter(&written)
		w.Write(Columns)
		districts := d.Districts()
		for i, line := range d.Source.Lines {
			district, candidate := districts[line[0]], d.Candidates[line[1]]
			w.Write([]string{district.Region.Name, district.FileCode(), district.Name, candidate.Name, candidate.Party, strconv.FormatInt(file.Votes[i], 10)})
		}
		w.Flush()
		again, err := parseResultFile("a file", written.Bytes(), nil)
		if err != nil {
			t.Fatalf("the file written from %q cannot be read: %v", text, err)
		}
		again.Definition.Source.CRLF = d.Source.CRLF
		if diff := cmp.Diff(file, again); diff != "" {
			t.Errorf("%q comes back changed: %s", text, diff)
		}
	})
}
