package election

import (
	"encoding/json"
	"fmt"
)

// Installation is the value of DefinitionKey: the definition, and the layout of the topics of its election.
type Installation struct {
	Definition     Definition `json:"definition"`
	Fingerprint    string     `json:"fingerprint"`     // of the definition
	VotePartitions int32      `json:"vote_partitions"` // partitions of votes_topic and of voters_topic, which never change
	// BallotKeyFingerprint is that of the key from which ballot ids are made. It is empty without an electorate.
	BallotKeyFingerprint string `json:"ballot_key_fingerprint,omitempty"`
	// VotesTopicID is Kafka's id of votes_topic, which no other election has, though it may have the same definition and key.
	VotesTopicID string `json:"votes_topic_id"`
}

// Key is the ballot key of this election alone.
func (i *Installation) Key(key BallotKey) BallotKey {
	return key.For(i.Fingerprint + " " + i.VotesTopicID)
}

// Encode encodes the installation for the topic. The error is an InputError if the definition is too large for a record.
func (i *Installation) Encode() ([]byte, error) {
	const most = MaxRecordBytes - recordOverhead
	value, err := json.Marshal(i)
	if err == nil && len(value) > most {
		err = &InputError{Text: fmt.Sprintf("the definition takes %d bytes in Kafka, in one record, which holds at most %d; "+
			"use fewer districts or candidates (of a result file: replay some of its regions), or shorter texts", len(value), most)}
	}
	return value, err
}

// Validate returns an error if the definition is not that of the fingerprint, or has more voters than there may be, or if a setting
// is outside what `init` allows.
func (i *Installation) Validate() error {
	if got := i.Definition.Fingerprint(); got != i.Fingerprint {
		return fmt.Errorf("the definition in the topic %s has the fingerprint %s, and its record says %s: somebody has changed it; begin anew with empty topics", ElectionTopic, got, i.Fingerprint)
	}
	left := MostVoters
	for _, district := range i.Definition.Districts() {
		if district.Registered < 0 || district.Registered > left {
			return fmt.Errorf("the definition in the topic %s has %d voters in district %s, of at most %d in all", ElectionTopic, district.Registered, district.ID, MostVoters)
		}
		left -= district.Registered
	}
	if i.VotePartitions < 1 || i.VotePartitions > MostVotePartitions {
		return fmt.Errorf("the record in the topic %s has %d partitions of ballots, of at most %d", ElectionTopic, i.VotePartitions, MostVotePartitions)
	}
	if i.Definition.Electorate != nil {
		c := &checker{}
		if i.Definition.Electorate.checkSettings(c); len(c.problems) > 0 {
			return fmt.Errorf("the definition in the topic %s: %s", ElectionTopic, c.problems[0].Text)
		}
	}
	return nil
}

// CheckKey is an error for another ballot key than that of the election.
func (i *Installation) CheckKey(key BallotKey) error {
	if key.Fingerprint() != i.BallotKeyFingerprint {
		return &InputError{Text: fmt.Sprintf("the ballot key is not the one that %q was prepared with; give that key, or begin anew with empty topics", i.Definition.Name)}
	}
	return nil
}
