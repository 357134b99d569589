package audit

import (
	"testing"
	"time"

	"realtime-election/election"
)

func TestADayThatThereIsNotIsOneOfTheNextMonth(t *testing.T) {
	line := func(at string) []byte {
		return election.AppendVote(nil, election.Vote{
			BallotID: []byte("00000000000000000000000000000001"), CandidateID: []byte("ana"), DistrictID: []byte("N1"), VotingTime: []byte(at),
		})
	}
	for at, want := range map[string]string{
		"2024-11-05T12:34:56.789Z": "2024-11-05T12:34:56.789Z",
		"2024-11-31T12:34:56.789Z": "2024-12-01T12:34:56.789Z",
		"2023-02-30T00:00:00.000Z": "2023-03-02T00:00:00.000Z",
	} {
		vote, ok := election.ParseVote(line(at))
		if got := string(inCalendar(vote, line(at))); !ok || got != string(line(want)) {
			t.Errorf("%s is %s", at, got)
		}
	}
}

// FuzzInCalendar holds that every line of the grammar has a day that there is.
func FuzzInCalendar(f *testing.F) {
	for _, at := range []string{"2024-02-31T12:34:56.789Z", "2023-02-29T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z"} {
		f.Add([]byte(at))
	}
	f.Fuzz(func(t *testing.T, at []byte) {
		line := election.AppendVote(nil, election.Vote{
			BallotID: []byte("00000000000000000000000000000001"), CandidateID: []byte("ana"), DistrictID: []byte("N1"), VotingTime: at,
		})
		vote, ok := election.ParseVote(line)
		if !ok {
			return
		}
		day := inCalendar(vote, line)
		if again, ok := election.ParseVote(day); ok {
			if _, err := time.Parse(election.TimeLayout, string(again.VotingTime)); err != nil {
				t.Errorf("%s: %v", day, err)
			}
		} else if string(at[:4]) != "9999" {
			t.Errorf("%s is no vote", day)
		}
	})
}
