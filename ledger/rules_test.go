package ledger

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
)

func TestVotingTimeKnowsMoreThanTheGrammar(t *testing.T) {
	for text, want := range map[string]string{
		"2025-10-29T06:30:00.001Z": "2025-10-29T06:30:00.001Z",
		"9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59.999Z",
		"2025-02-31T00:00:00.000Z": "2025-03-03T00:00:00.000Z", // a day that there is not
	} {
		if got := string(election.AppendTime(nil, votingTime([]byte(text)))); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// FuzzVoter holds that no bytes become a row that PostgreSQL refuses.
func FuzzVoter(f *testing.F) {
	d, err := definition.Default()
	if err != nil {
		f.Fatal(err)
	}
	r := newRules(&election.Record{Definition: *d, VotePartitions: 2})
	good, err := json.Marshal(election.Voter{ID: "v", DateOfBirth: "2000-02-29", DistrictID: d.Districts()[0].ID})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("v", good)
	f.Add("v", []byte(strings.Replace(string(good), `"voter_name":""`, `"voter_name":"\u0000"`, 1)))
	f.Add("v", []byte(strings.Replace(string(good), `"voter_name":""`, `"voter_name":"\ud800"`, 1)))
	f.Add("v", []byte(strings.Replace(string(good), `"voter_name":""`, "\"voter_name\":\"\xff\"", 1)))
	if _, reason := r.voter(nil, &kgo.Record{Key: []byte("v"), Value: good}); reason != "" {
		f.Fatalf("a good voter is %s", reason)
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		row, reason := r.voter(nil, &kgo.Record{Key: []byte(key), Value: value})
		if reason != "" {
			if len(row) > 0 {
				t.Errorf("%s, and has a row", reason)
			}
			return
		}
		if len(row) != len(tables[election.VotersTopic].columns)-1 {
			t.Fatalf("a row of %d columns", len(row))
		}
		for _, column := range row {
			switch v := column.(type) {
			case string:
				if strings.ToValidUTF8(v, "") != v || strings.Contains(v, "\x00") || len(v) > longestText {
					t.Errorf("text %q", v)
				}
			case int:
				if v < 0 || v > oldestVoter {
					t.Errorf("age %d", v)
				}
			case time.Time:
				if v.Year() > 9999 {
					t.Errorf("born %s", v)
				}
			default:
				t.Errorf("%T", column)
			}
		}
	})
}
