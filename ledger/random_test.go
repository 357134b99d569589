package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/scenario"
)

// FuzzRulesAreTheReferenceCounts compares the ledger with the reference count: the reason of each record, and which
// votes are copies. The ledger finds copies by the columns of a row, the reference count by bytes. Tests with
// PostgreSQL compare the SQL that finds copies.
func FuzzRulesAreTheReferenceCounts(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		s := scenario.NewRandom(seed, 300)
		rules := newRules(&election.Installation{Definition: *s.Definition, VotePartitions: s.Partitions})
		rules.votes.SetRegister(s.Commitments())
		if s.Definition.Electorate == nil {
			rules.votes.SetRegister(nil)
		}
		count := s.NewCount()
		stored := make(map[any][]any) // by ballot
		for _, rec := range s.Committed(len(s.Rounds)) {
			row, reason := rules.vote(nil, &kgo.Record{Partition: rec.Partition, Key: rec.Key, Value: rec.Value})
			if reason == "" {
				switch first, again := stored[row[0]]; {
				case !again:
					stored[row[0]] = row
				case cmp.Equal(first, row):
					reason = election.Duplicate
				default:
					reason = election.Conflicting
				}
			}
			if want := count.Add(rec.VoteRecord); reason != want {
				t.Errorf("seed %d: %.300q is %q, want %q", seed, rec.Value, reason, want)
			}
		}
		if int64(len(stored)) != count.Votes() {
			t.Errorf("seed %d: %d ballots are stored, %d are counted", seed, len(stored), count.Votes())
		}
	})
}
