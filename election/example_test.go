package election_test

import (
	"fmt"

	"realtime-election/election"
)

// A line is a vote or it is not: there is no error to look at.
func ExampleParseVote() {
	line := election.AppendVote(nil, election.Vote{
		BallotID: []byte("00112233445566778899aabbccddeeff"), CandidateID: []byte("labour"), DistrictID: []byte("GM0363"),
		AgeGroup: []byte("65+"), Gender: []byte("female"), VotingTime: []byte("2026-10-28T07:30:00.000Z"),
	})
	vote, ok := election.ParseVote(line)
	fmt.Printf("%s votes for %s: %t\n", vote.DistrictID, vote.CandidateID, ok)

	_, ok = election.ParseVote([]byte(`{"ballot_id": "1"}`))
	fmt.Println("a vote with white space:", ok)
	// Output:
	// GM0363 votes for labour: true
	// a vote with white space: false
}
