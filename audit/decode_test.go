package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

func TestResultWithSomethingAfterItCannotBeRead(t *testing.T) {
	const result = `{"run":2,"total_votes":3,"newest_record_at":"2024-11-05T08:00:00.000Z"}`
	for value, says := range map[string]string{
		result: "", result + "\n": "", result + "{}": "more bytes follow", result + "x": "more bytes follow",
		"": "cannot be read", "null x": "more bytes follow", strings.Replace(result, "run", "runs", 1): "unknown field",
	} {
		if p := decodeResult(&kgo.Record{Offset: 4, Value: []byte(value)}); !strings.Contains(p.fault, says) || (p.fault == "") != (says == "") {
			t.Errorf("%q: %q", value, p.fault)
		}
	}
}

// FuzzResult checks that a result that can be read is the same after it is written and read again.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"run":2,"candidate_id":"ana","total_votes":3,"newest_record_at":"2024-11-05T08:00:00.000Z"}`))
	f.Add([]byte(`{"run":2,"total_votes":3} {}`))
	f.Add([]byte(`{"run":2,"votes":3}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, value []byte) {
		p := decodeResult(&kgo.Record{Value: value})
		if p.fault != "" {
			return
		}
		if again := decodeResult(&kgo.Record{Value: []byte(asJSON(p.result))}); !json.Valid(value) || !reflect.DeepEqual(p, again) {
			t.Errorf("%q is %+v, and written again %+v", value, p, again)
		}
	})
}

// FuzzReject checks that a record of votes_rejected is read only if its key matches its value.
func FuzzReject(f *testing.F) {
	good, err := json.Marshal(election.RejectedVote{Topic: election.VotesTopic, Partition: 1, Offset: 7, Reason: election.Malformed, Key: []byte("k")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("votes_topic:1:7", good)
	f.Add("votes_topic:1:8", good)
	f.Add("", []byte("{"))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		if v, err := decodeReject(&kgo.Record{Key: []byte(key), Value: value}); err == nil && fmt.Sprintf("%s:%d:%d", v.Topic, v.Partition, v.Offset) != key {
			t.Errorf("%q of %q is read as %+v", value, key, v)
		}
	})
}

// FuzzPage checks that no answer causes a panic, and that no figure of a page replaces another.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"run":1,"candidates":[{"id":"a","votes":1},{"id":"a","votes":2}],"age_groups":[{"age_group":""}]}`))
	f.Add([]byte(`{"newest_record_at":"2024-11-05T07:00:00Z","leader":"a","districts":[{"id":"d","candidates":{"a":1}}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p page
		if json.Unmarshal(body, &p) != nil {
			return
		}
		shown := p.figures()
		least := 5 + 6*len(p.Candidates) + 4*len(p.Regions) + 3*len(p.Districts) + 3*len(p.AgeGroups) + len(p.Rejected)
		if len(shown) < least {
			t.Errorf("%d figures of at least %d: %v", len(shown), least, shown)
		}
		if differences := shown.differences(p.figures()); len(differences) > 0 {
			t.Errorf("a page differs from itself: %v", differences)
		}
	})
}
