package election

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCommitmentIsTheHashOfWhatItSays computes a commitment by hand, and changes each part.
func TestCommitmentIsTheHashOfWhatItSays(t *testing.T) {
	t.Parallel()
	vote := Vote{BallotID: []byte("00ff"), CandidateID: []byte("ana"), DistrictID: []byte("d1"), AgeGroup: []byte("18-24"), Gender: []byte("female"), VotingTime: []byte("now")}
	sum := sha256.Sum256([]byte("f1/00ff/d1/18-24/female"))
	commitment := CommitTo("f1", vote)
	if commitment != Commitment(sum[:16]) {
		t.Errorf("the commitment is %x, want %x", commitment, sum[:16])
	}
	other := vote
	other.CandidateID, other.VotingTime = []byte("bo"), []byte("later")
	if CommitTo("f1", other) != commitment {
		t.Error("it tells for whom the voter votes, or when")
	}
	for what, change := range map[string]func(*Vote){
		"id": func(v *Vote) { v.BallotID = []byte("00fe") }, "district": func(v *Vote) { v.DistrictID = []byte("d") },
		"age": func(v *Vote) { v.AgeGroup = nil }, "gender": func(v *Vote) { v.Gender = nil },
		"place of a part": func(v *Vote) { v.AgeGroup, v.Gender = []byte("18-24/female"), nil },
	} {
		other := vote
		change(&other)
		if CommitTo("f1", other) == commitment {
			t.Errorf("the commitment does not depend on the %s", what)
		}
	}
	if CommitTo("f2", vote) == commitment {
		t.Error("the commitment does not depend on the election")
	}
}

func ballotNumber(n int) Vote {
	return Vote{BallotID: fmt.Appendf(nil, "%032x", n), DistrictID: []byte("d"), AgeGroup: []byte("65+"), Gender: []byte("other")}
}

func commitmentsOf(n int) *Commitments {
	var all []Commitment
	for i := range n {
		all = append(all, CommitTo("f", ballotNumber(i)))
	}
	return NewCommitments("f", all)
}

// readRecords reads the records of a topic, which change may alter first.
func readRecords(c *Commitments, fingerprint string, change func(keys, values []string) (_, _ []string)) (*Commitments, error) {
	var keys, values []string
	for n := range c.Records() {
		_, key, value := c.AppendRecord([]byte("before"), n)
		keys, values = append(keys, string(key)), append(values, string(value))
	}
	keys, values = change(keys, values)
	reader := NewCommitmentsReader(fingerprint)
	for i := range keys {
		if read, err := reader.Read([]byte(keys[i]), []byte(values[i])); read != nil || err != nil {
			return read, err
		}
	}
	return nil, nil
}

func TestCommitmentsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	same := func(keys, values []string) (_, _ []string) { return keys, values }
	for _, n := range []int{0, 1, commitmentsPerRecord, commitmentsPerRecord + 1, 3000} {
		read, err := readRecords(commitmentsOf(n), "f", same)
		if err != nil || read == nil || read.Len() != n {
			t.Fatalf("of %d commitments, %v are read: %v", n, read, err)
		}
		for i := range n {
			if !read.Has(ballotNumber(i)) {
				t.Errorf("of %d commitments, that of ballot %d is missing", n, i)
			}
		}
		if read.Has(ballotNumber(n)) {
			t.Errorf("of %d commitments, there is one more", n)
		}
	}
}

func TestCommitmentsThatWereChangedAreRefused(t *testing.T) {
	t.Parallel()
	const size = len(Commitment{})
	last := func(values []string) *string { return &values[len(values)-1] }
	closing := func(values []string, change func(*ClosedCommitments)) {
		var closed ClosedCommitments
		if err := json.Unmarshal([]byte(*last(values)), &closed); err != nil {
			panic(err)
		}
		change(&closed)
		text, _ := json.Marshal(closed)
		*last(values) = string(text)
	}
	for name, c := range map[string]struct {
		change func(keys, values []string) (_, _ []string)
		says   string
	}{
		"not closed":               {func(k, v []string) (_, _ []string) { return k[:len(k)-1], v[:len(v)-1] }, ""},
		"one is missing":           {func(k, v []string) (_, _ []string) { v[0] = v[0][size:]; return k, v }, "there are 2999, and the record that closes them says 3000"},
		"a part of one is missing": {func(k, v []string) (_, _ []string) { v[0] = v[0][1:]; return k, v }, "16383 bytes, which is no multiple of 16"},
		"one is another":           {func(k, v []string) (_, _ []string) { v[0] = strings.Repeat("\x00", size) + v[0][size:]; return k, v }, "not those whose root"},
		"one is there twice":       {func(k, v []string) (_, _ []string) { v[0] = v[0][:size] + v[0]; return k, v }, "not in ascending order"},
		"a record is missing":      {func(k, v []string) (_, _ []string) { return k[1:], v[1:] }, "there are 1976,"},
		"records in another order": {func(k, v []string) (_, _ []string) { v[0], v[1] = v[1], v[0]; return k, v }, "not in ascending order"},
		"another number": {func(k, v []string) (_, _ []string) {
			closing(v, func(c *ClosedCommitments) { c.Commitments = 7 })
			return k, v
		}, "closes them says 7"},
		"another root": {func(k, v []string) (_, _ []string) {
			closing(v, func(c *ClosedCommitments) { c.Root = "00" })
			return k, v
		}, "not those whose root"},
		"another election": {func(k, v []string) (_, _ []string) {
			closing(v, func(c *ClosedCommitments) { c.Fingerprint = "g" })
			return k, v
		}, "another election"},
		"no JSON": {func(k, v []string) (_, _ []string) { *last(v) = "{"; return k, v }, "decode the record that closes them"},
	} {
		read, err := readRecords(commitmentsOf(3000), "f", c.change)
		if read != nil || c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, %v", name, read, err)
		}
	}
}

// TestBallotsOfNobodyAreNotCounted counts ballots on the register, off it, and with another age than the register's, before and
// after the ballot itself.
func TestBallotsOfNobodyAreNotCounted(t *testing.T) {
	t.Parallel()
	opens := time.Date(2025, 10, 29, 7, 0, 0, 0, time.UTC)
	d := &Definition{
		Polling: Polling{Opens: opens, Closes: opens.Add(time.Hour)}, Electorate: &Electorate{}, Candidates: []Candidate{{ID: "ana"}, {ID: "bo"}},
		Regions: []Region{{ID: "r", Districts: []District{{ID: "d", Registered: 9}}}},
	}
	line := func(n int, age, candidate string) VoteRecord {
		v := ballotNumber(n)
		v.AgeGroup, v.CandidateID, v.VotingTime = []byte(age), []byte(candidate), AppendTime(nil, d.Polling.Opens)
		return VoteRecord{Key: v.BallotID, Value: AppendVote(nil, v), Timestamp: d.Polling.Opens}
	}
	count := NewCount(d, 1)
	if reason := count.Add(line(1, "65+", "ana")); reason != Unregistered {
		t.Errorf("before the register is set, a ballot is %q", reason)
	}
	count = NewCount(d, 1)
	count.SetRegister(commitmentsOf(3))
	for i, c := range []struct {
		record VoteRecord
		want   Reason
	}{
		{line(1, "18-24", "ana"), Unregistered},
		{line(1, "65+", "ana"), ""},
		{line(1, "18-24", "ana"), Unregistered},
		{line(1, "65+", "ana"), Duplicate},
		{line(1, "65+", "bo"), Conflicting},
		{line(9, "65+", "ana"), Unregistered},
		{line(9, "65+", "bo"), Unregistered},
		{line(2, "65+", "bo"), ""},
	} {
		if got := count.Add(c.record); got != c.want {
			t.Errorf("record %d is %q, want %q", i, got, c.want)
		}
	}
	if n := count.Rejected()[Unregistered]; count.Votes() != 2 || n != 4 {
		t.Errorf("%d votes are counted, and %d are of nobody", count.Votes(), n)
	}
	if n := count.Results(1)[PerReasonTopic][string(Unregistered)].TotalVotes; n != 2 {
		t.Errorf("%d are published as of nobody, want each ballot once", n)
	}
}

// TestBallotKeyIsThatOfOneElection wants that ballots of two elections under one key have nothing in common.
func TestBallotKeyIsThatOfOneElection(t *testing.T) {
	t.Parallel()
	key := BallotKey{1}
	one, chanceOfOne := key.For("one").Draw("voter")
	two, chanceOfTwo := key.For("two").Draw("voter")
	plain, _ := key.Draw("voter")
	if one == two || chanceOfOne == chanceOfTwo || one == plain {
		t.Error("the ballot of a voter is the same in two elections")
	}
}
