package audit

import (
	"testing"

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
