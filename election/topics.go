package election

import (
	"hash/crc32"
	"maps"
	"strconv"
	"strings"
)

// The topics. Those of votes, voters and rejected votes are logs. The others are compacted: Kafka keeps the latest record of a
// key.
const (
	VotesTopic             = "votes_topic"
	VotersTopic            = "voters_topic"
	RejectedVotesTopic     = "votes_rejected"
	BallotCommitmentsTopic = "ballot_commitments" // keys: see CommitmentsClosed

	ElectionTopic     = "election"      // key: DefinitionKey
	RunsTopic         = "runs"          // keys: see OfficialRunKey
	QueryControlTopic = "query_control" // key: WantedKey
	QueryStatusTopic  = "query_status"  // key: QueryKey
	LedgerStatusTopic = "ledger_status" // key: LedgerKey

	RoundTripTopic = "roundtrip" // records of the check whether Kafka works
)

// DefinitionKey is the key of the record of ElectionTopic, which only `init` writes. Its value is an Installation.
const DefinitionKey = "definition"

// Keys of the records of RunsTopic, which only submit writes.
const (
	OfficialRunKey = "official_run" // value: OfficialRun
	LatestRunKey   = "latest_run"   // value: what submit knows of the newest run; other services read LatestRun
	HolderKey      = "holder"       // value: the submit that has the lock, or had it last
)

// Keys of the records of the other topics that one service writes about the query and the ledger.
const (
	WantedKey = "wanted" // value: Wanted; without one, the query is to run
	QueryKey  = "submit" // value: QueryStatus; also the streaming query's name in Spark
	LedgerKey = "ledger" // value: LedgerStatus
)

// Producers, which are the keys of their records in the topics of progress (see ProgressOf). `votes` is a producer for each partition
// of voters_topic: see VotesProducer.
const (
	VotersProducer = "voters"
	ReplayProducer = "replay"
	CastProducer   = "cast" // ballots cast by hand
	// CommitmentsProducer is `votes` before the polls open.
	CommitmentsProducer = "commitments"
)

// VotesProducer is the key under which `votes` keeps its progress for a partition of voters_topic.
func VotesProducer(partition int32) string { return "votes/" + strconv.Itoa(int(partition)) }

// TransactionalID is Kafka's transactional id of a producer, by its key in its topic of progress, and of "submit".
func TransactionalID(producer string) string { return "election-" + producer }

// Consumer groups.
const (
	VotesGroup  = "election-votes" // its members share the partitions of the register
	SparkGroups = "election-spark" // prefix of the groups of the streaming query
)

// The topics of progress (key: the producer; value: Progress). Each has one service that may write it, so no other can end a
// producer, or say that it has ended.
const (
	VotersProgressTopic = "progress_voters"
	VotesProgressTopic  = "progress_votes"
	ReplayProgressTopic = "progress_replay"
	CastProgressTopic   = "progress_cast"
)

// ProgressTopics are the topics of progress.
func ProgressTopics() []string {
	return []string{VotersProgressTopic, VotesProgressTopic, ReplayProgressTopic, CastProgressTopic}
}

// ProgressOf is the topic of a producer's progress, and its partition, which has no other producer: the open transaction of another
// would hide the progress.
func ProgressOf(producer string) (topic string, partition int32) {
	switch producer {
	case VotersProducer:
		return VotersProgressTopic, 0
	case ReplayProducer:
		return ReplayProgressTopic, 0
	case CastProducer:
		return CastProgressTopic, 0
	case CommitmentsProducer:
		return VotesProgressTopic, 0
	}
	n, ok := VotesPartition(producer)
	if !ok {
		panic("no producer is called " + producer) // the callers are few, and name a constant
	}
	return VotesProgressTopic, 1 + n
}

// VotesPartition is the partition of voters_topic of a producer that VotesProducer names, and whether it is one.
func VotesPartition(producer string) (int32, bool) {
	n, err := strconv.ParseInt(strings.TrimPrefix(producer, "votes/"), 10, 32)
	partition := int32(n)
	return partition, err == nil && partition >= 0 && partition < MostVotePartitions && VotesProducer(partition) == producer
}

// VoterPartition is the partition of voters_topic for all voters of a district. So the partition tells no more about a voter
// than the district does.
func VoterPartition(district DistrictID, partitions int32) int32 {
	return int32(crc32.ChecksumIEEE([]byte(district)) % uint32(partitions))
}

// Topic describes a topic. Settings are Kafka's topic configuration.
type Topic struct {
	Name       string
	Partitions int32
	Settings   map[string]string
	Purpose    string // in a line
}

const (
	// MostVotePartitions is the largest number of partitions of votes_topic.
	MostVotePartitions = 1000
	// MaxRecordBytes bounds a record of a compacted topic, with its key and what Kafka writes around both. The
	// installation of a large country is the largest.
	MaxRecordBytes = 8 << 20
	recordOverhead = 1 << 10
)

// Topics are all topics of an election whose ballots are spread over this many partitions.
func Topics(votePartitions int32) []Topic {
	// A compressed batch may unpack to a thousand times its size, and its readers, and the broker when it compacts a topic, would
	// have to hold that in memory. So no topic is compressed: the broker unpacks a batch and refuses it if it is then too large.
	//
	// The broker's clock dates the records, not the senders'. Their clocks differ. Spark fails on some timestamps that a sender may
	// write, and by others a sender could have the broker make a segment, with open files, for each record.
	of := func(settings map[string]string) map[string]string {
		maps.Copy(settings, map[string]string{"compression.type": "uncompressed", "message.timestamp.type": "LogAppendTime"})
		return settings
	}
	log := of(map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": "1048588"})
	// A result topic is rewritten for as long as votes come in. Small segments are compacted soon, which keeps the topic small
	// and the start of its readers short.
	compacted := of(map[string]string{
		"cleanup.policy": "compact", "retention.ms": "-1", "retention.bytes": "-1", "segment.bytes": "16777216",
		"segment.ms": "600000", "min.cleanable.dirty.ratio": "0.3", "max.message.bytes": strconv.Itoa(MaxRecordBytes),
	})
	topics := []Topic{
		{VotesTopic, votePartitions, log, "ballots, by ballot id"},
		{VotersTopic, votePartitions, log, "the public register, by voter id"},
		{BallotCommitmentsTopic, 1, log, "which ballots the register allows, without whose they are"},
		{RejectedVotesTopic, 1, log, "records that are not counted, and why"},
		{ElectionTopic, 1, compacted, "the definition"},
		{RunsTopic, 1, compacted, "the runs of the count, and which is official"},
		{QueryControlTopic, 1, compacted, "whether the count is to run"},
		{QueryStatusTopic, 1, compacted, "how the count is doing"},
		{LedgerStatusTopic, 1, compacted, "how the ledger is doing"},
		{VotersProgressTopic, 1, compacted, "how far voters is"},
		{VotesProgressTopic, 1 + votePartitions, compacted, "how far votes is, in each partition of the register"},
		{ReplayProgressTopic, 1, compacted, "how far replay is"},
		{CastProgressTopic, 1, compacted, "how many ballots were cast by hand"},
	}
	topics = append(topics, Topic{RoundTripTopic, 1, of(map[string]string{
		"cleanup.policy": "delete", "retention.ms": "60000", "segment.ms": "60000", "segment.bytes": "1048576", "max.message.bytes": "1048588",
	}), "records by which Kafka's health is checked, for a few minutes"})
	for _, a := range aggregations {
		topics = append(topics, Topic{a.Topic, 1, compacted, a.Purpose})
	}
	return topics
}
