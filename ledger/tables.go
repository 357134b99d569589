package ledger

import (
	_ "embed"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

//go:embed sql/stage.sql
var stageSQL string

//go:embed sql/begin_offsets.sql
var beginOffsetsSQL string

//go:embed sql/move_offsets.sql
var moveOffsetsSQL string

//go:embed sql/add_rejects.sql
var addRejectsSQL string

var (
	//go:embed sql/add_votes.sql
	addVotesSQL string
	//go:embed sql/copies_of_votes.sql
	copiesOfVotesSQL string
	//go:embed sql/add_voters.sql
	addVotersSQL string
	//go:embed sql/copies_of_voters.sql
	copiesOfVotersSQL string
)

// table is where a topic's records are stored.
type table struct {
	name    string
	staging string
	columns []string // of staging
	add     string   // SQL that adds the staged rows
	copies  string   // SQL that finds the staged rows that are copies
	row     func(r *rules, row []any, rec *kgo.Record) ([]any, election.Reason)
}

// tables are the tables by topic.
var tables = map[string]table{
	election.VotesTopic: {
		name: "votes", staging: "staged_votes", add: addVotesSQL, copies: copiesOfVotesSQL, row: (*rules).vote,
		columns: []string{"place", "ballot_id", "voting_time", "candidate_id", "district_id", "age_group", "gender"},
	},
	election.VotersTopic: {
		name: "voters", staging: "staged_voters", add: addVotersSQL, copies: copiesOfVotersSQL, row: (*rules).voter,
		columns: []string{
			"place", "voter_id", "date_of_birth", "registered_age", "voter_name", "gender", "nationality", "registration_number",
			"address_street", "address_city", "address_state", "address_country", "address_postcode",
			"email", "phone_number", "cell_number", "picture", "district_id",
		},
	},
}
