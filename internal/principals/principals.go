// Package principals says who may do what on the Kafka that an election runs for itself: each service logs in as a principal of
// its own, with the rights that its work needs and no others.
//
//	err := principals.Logins{Folder: folder}.Make()          // before Kafka's storage is formatted
//	err = principals.Grant(ctx, client, folder)              // once Kafka runs, as Init
//	security, err := kafka.ReadSecurity(principals.Votes.Login(folder))
package principals

import (
	"slices"

	"realtime-election/election"
)

// Principal is a user of Kafka.
type Principal string

// The principals. Broker, Controller and Init are super users of Kafka, and with Health those that Kafka knows from its start.
const (
	Broker     Principal = "broker"     // by which Kafka's brokers log in to each other
	Controller Principal = "controller" // by which they log in to Kafka's controller, on a listener of its own
	Init       Principal = "init"       // makes the topics, and gives the others their passwords and rights
	Health     Principal = "health"     // asks whether Kafka answers

	Voters    Principal = "voters"
	Votes     Principal = "votes"
	Replay    Principal = "replay"
	Cast      Principal = "cast"
	Submit    Principal = "submit"
	Spark     Principal = "spark" // the streaming query
	Ledger    Principal = "ledger"
	Dashboard Principal = "dashboard"
	Query     Principal = "query"  // stops and starts the streaming query
	Reader    Principal = "reader" // audit, and people who look
)

// rights are what a principal may do. Whoever may read or write a topic may also ask for its offsets.
type rights struct {
	reads   []string // topics
	writes  []string // topics
	offsets []string // topics whose offsets it may ask for, and no more
	txnIDs  []string // its transactional ids; with a '/' at the end, the prefix of several
	groups  string   // the prefix of its consumer groups
	sizes   bool     // it may ask how large the topics are
}

// granted are the rights of the principals that are no super users.
func granted() map[Principal]rights {
	results := election.ResultTopics()
	count := []string{election.ElectionTopic, election.RunsTopic, election.QueryStatusTopic}
	votes := producer(election.VotesTopic, election.CommitmentsProducer, election.VotersTopic, election.BallotCommitmentsTopic, election.VotersProgressTopic)
	votes.groups = election.VotesGroup
	votes.writes = append(votes.writes, election.BallotCommitmentsTopic)
	votes.txnIDs = append(votes.txnIDs, election.TransactionalID("votes/"))
	reader := rights{sizes: true}
	for _, topic := range election.Topics(1) {
		reader.reads = append(reader.reads, topic.Name)
	}
	return map[Principal]rights{
		Health: {reads: []string{election.RoundTripTopic}, writes: []string{election.RoundTripTopic}},
		Voters: producer(election.VotersTopic, election.VotersProducer),
		Votes:  votes,
		Replay: producer(election.VotesTopic, election.ReplayProducer),
		Cast:   producer(election.VotesTopic, election.CastProducer, election.VotesTopic, election.VotersTopic, election.VotersProgressTopic, election.VotesProgressTopic),
		Spark:  {reads: []string{election.VotesTopic, election.BallotCommitmentsTopic}, writes: results, groups: election.SparkGroups},
		Submit: {
			reads:   slices.Concat(count, results, []string{election.QueryControlTopic, election.BallotCommitmentsTopic}),
			writes:  slices.Concat(results, []string{election.RunsTopic, election.QueryStatusTopic}), // it removes what older runs wrote to the results
			offsets: []string{election.VotesTopic},
			txnIDs:  []string{election.TransactionalID("submit")},
		},
		Ledger: {
			reads: []string{
				election.ElectionTopic, election.VotesTopic, election.VotersTopic, election.BallotCommitmentsTopic, election.RejectedVotesTopic,
				election.LedgerStatusTopic,
			},
			writes: []string{election.RejectedVotesTopic, election.LedgerStatusTopic},
		},
		Dashboard: {reads: slices.Concat(count, results, []string{election.VotesProgressTopic}), offsets: []string{election.VotesTopic}},
		Query:     {reads: count, writes: []string{election.QueryControlTopic}},
		Reader:    reader,
	}
}

// producer has the rights of a service that writes a topic, and how far it is.
func producer(topic, name string, reads ...string) rights {
	progress, _ := election.ProgressOf(name)
	return rights{
		reads:  append(reads, election.ElectionTopic, progress),
		writes: []string{topic, progress},
		txnIDs: []string{election.TransactionalID(name)},
	}
}
