package generate

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"realtime-election/election"
)

func TestPermutationVisitsEveryNumberOnce(t *testing.T) {
	for _, size := range []uint64{1, 2, 3, 4, 5, 17, 64, 1000, 65537} {
		seen := make([]bool, size)
		p := NewPermutation(size, 7)
		for i := range size {
			at := p.At(i)
			if at >= size || seen[at] {
				t.Fatalf("size %d: %d stands at %d, out of range or twice", size, at, i)
			}
			seen[at] = true
		}
	}
}

// TestPermutationIsTheSameInEveryVersion compares permutations with those of earlier versions. A producer that resumes
// where another version of the program stopped must send the rest of the same order.
func TestPermutationIsTheSameInEveryVersion(t *testing.T) {
	for _, c := range []struct {
		size, seed uint64
		want       []uint64
	}{
		{10, 1, []uint64{6, 4, 9, 3, 0, 5, 1, 7, 2, 8}},
		{1_000_003, 7, []uint64{285092, 966767, 624926, 335852, 823385, 771259, 192479, 765922, 832284, 673748}},
		{1_000_000_000_000, 1<<64 - 1, []uint64{
			24572172152, 834620355658, 683212496133, 318172547262, 571584995417, 943278363951, 150175097806, 562713141257, 180076635414, 25415381087,
		}},
	} {
		p := NewPermutation(c.size, c.seed)
		var got []uint64
		for i := range uint64(10) {
			got = append(got, p.At(i))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("of %d, with seed %d: %v, want %v", c.size, c.seed, got, c.want)
		}
	}
}

func TestRecordsAreTheSameInEveryVersion(t *testing.T) {
	d, votes := newDefinition()
	replay := NewReplay(d, votes, 3)
	var order strings.Builder // the candidates of the votes
	for serial := range int64(60) {
		vote, _ := election.ParseVote(replay.Append(nil, serial))
		order.Write(vote.CandidateID)
	}
	if want := "aaaaaaaaaaaaaaaaaaaabaaaaaaabaaaaaaaaaaaaaaabaaababaaaaaabaa"; order.String() != want {
		t.Errorf("the votes are for %s, want %s", order.String(), want)
	}
	replayed := string(replay.Append(nil, 700))
	if want := `{"ballot_id":"47375804d4f83d842a56092df7646e5e","candidate_id":"a","district_id":"d1","age_group":"","gender":"","voting_time":"2024-11-05T14:32:21.673Z"}`; replayed != want {
		t.Errorf("replayed is %s, want %s", replayed, want)
	}
	electorate := newElectorate()
	line, district := NewVoters(electorate, 3).Append(nil, 700)
	if want := `{"voter_id":"c1f7a0da-c9ac-6552-c172-f305589ee650","voter_name":"Femke Hendriks","date_of_birth":"1978-12-23","gender":"female","nationality":"Dutch",` +
		`"registration_number":"d4-0001957","address":{"street":"Industrieweg 161","city":"4","state":"S","country":"Netherlands","postcode":"6353 JJ"},` +
		`"email":"femke.hendriks.c1f7a0@example.net","phone_number":"+31 000 715029","cell_number":"+31 006 117287",` +
		`"picture":"https://example.org/portraits/c1f7a0da-c9ac-6552-c172-f305589ee650.jpg","registered_age":45,"district_id":"d4"}`; string(line) != want || district != 3 {
		t.Errorf("of district %d the voter is %s, want %s", district, line, want)
	}
	electorate.Electorate.Turnout.Overall = 1
	ballots := NewBallots(electorate, testKey.For(electorate.Fingerprint()))
	cast, _ := ballots.Of("voter", 3, 2, 1)
	ballot := string(ballots.Append(nil, cast))
	if want := `{"ballot_id":"999a3a82ae89f1133326bb2eebd8a746","candidate_id":"b","district_id":"d4","age_group":"35-44","gender":"male","voting_time":"2024-02-29T10:50:00.000Z"}`; ballot != want {
		t.Errorf("the ballot is %s, want %s", ballot, want)
	}
}

func TestPermutationMixesAndFollowsItsSeed(t *testing.T) {
	const size = 100_000
	one, other := NewPermutation(size, 1), NewPermutation(size, 2)
	lower, same := 0, 0
	for i := range uint64(1000) {
		if one.At(i) < size/2 {
			lower++
		}
		if one.At(i) == other.At(i) {
			same++
		}
	}
	if lower < 430 || lower > 570 { // 4.4 standard deviations around 500
		t.Errorf("of the first 1000, %d come from the lower half", lower)
	}
	if same > 5 {
		t.Errorf("two seeds agree on %d of 1000", same)
	}
}

func newDefinition() (*election.Definition, []int64) {
	return &election.Definition{
		ID: "x", Name: "X",
		Polling:    election.Polling{Opens: time.Date(2024, 11, 5, 7, 0, 0, 0, time.UTC), Closes: time.Date(2024, 11, 5, 20, 0, 0, 0, time.UTC)},
		Candidates: []election.Candidate{{ID: "a", Name: "A"}, {ID: "b", Name: "B"}},
		Regions:    []election.Region{{ID: "r", Name: "R", Districts: []election.District{{ID: "d1", Name: "1"}, {ID: "d2", Name: "2"}}}},
		Source:     &election.Source{Votes: 1207, Lines: [][2]int{{0, 0}, {0, 1}, {1, 0}, {1, 1}}},
	}, []int64{1000, 200, 0, 7}
}

func TestReplayHoldsEveryVoteOnceAndCounts(t *testing.T) {
	d, votes := newDefinition()
	replay := NewReplay(d, votes, 3)
	count := election.NewCount(d, 4)
	last := ""
	for serial := range replay.Size() {
		line := replay.Append(nil, serial)
		id := line[election.BallotIDStart:election.BallotIDEnd]
		if reason := count.Add(election.VoteRecord{Partition: election.Partition(id, 4), Key: id, Value: line}); reason != "" {
			t.Fatalf("%s is %s", line, reason)
		}
		vote, _ := election.ParseVote(line)
		if now := string(vote.VotingTime); now < last {
			t.Fatalf("serial %d votes at %s, after %s", serial, now, last)
		} else {
			last = now
		}
	}
	got := count.Results(1)[election.ByDistrictTopic]
	for natural, want := range map[string]int64{"d1/a": 1000, "d1/b": 200, "d2/a": 0, "d2/b": 7} {
		if got[natural].TotalVotes != want {
			t.Errorf("%s has %d votes, want %d", natural, got[natural].TotalVotes, want)
		}
	}
}

func TestReplayIsTheSameFromAnySerialAndForOneSeedOnly(t *testing.T) {
	d, votes := newDefinition()
	once, again, other := NewReplay(d, votes, 3), NewReplay(d, votes, 3), NewReplay(d, votes, 4)
	for serial := once.Size() - 1; serial >= 0; serial-- { // backwards: nothing depends on what came before
		if !bytes.Equal(once.Append(nil, serial), again.Append(nil, serial)) {
			t.Fatalf("serial %d differs", serial)
		}
	}
	if bytes.Equal(once.Append(nil, 0), other.Append(nil, 0)) {
		t.Error("two seeds give the same ballot")
	}
}

// TestLargestReplayFillsThePollingDay has as many votes as a result file may hold, and the longest polling hours.
func TestLargestReplayFillsThePollingDay(t *testing.T) {
	d, _ := newDefinition()
	d.Polling.Closes = d.Polling.Opens.Add(31 * 24 * time.Hour)
	replay := NewReplay(d, []int64{election.MostVoters - 7, 4, 0, 3}, 1)
	for serial, want := range map[int64]string{
		0:                           "2024-11-05T07:00:00.000Z",
		election.MostVoters / 4:     "2024-11-13T01:00:00.000Z",
		election.MostVoters / 2:     "2024-11-20T19:00:00.000Z",
		election.MostVoters - 1:     "2024-12-06T06:59:59.999Z",
		election.MostVoters / 4 * 3: "2024-11-28T13:00:00.000Z",
	} {
		vote, ok := election.ParseVote(replay.Append(nil, serial))
		if !ok || string(vote.VotingTime) != want {
			t.Errorf("serial %d votes at %s, want %s", serial, vote.VotingTime, want)
		}
	}
}

func BenchmarkReplayAppend(b *testing.B) {
	d, votes := newDefinition()
	replay := NewReplay(d, votes, 3)
	var buffer []byte
	for i := range b.N {
		buffer = replay.Append(buffer[:0], int64(i)%replay.Size())
	}
}
