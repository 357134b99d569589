package election

import (
	"encoding/json"
	"fmt"
)

// Installation is the value of DefinitionKey: the definition that is voted on, and how the topics of its election are
// laid out.
type Installation struct {
	Definition     Definition `json:"definition"`
	Fingerprint    string     `json:"fingerprint"`     // of the definition
	VotePartitions int32      `json:"vote_partitions"` // partitions of votes_topic and of voters_topic, fixed for good
	// BallotKeyFingerprint tells the key that makes ballot ids of voter ids; empty where nobody votes but a replay.
	BallotKeyFingerprint string `json:"ballot_key_fingerprint,omitempty"`
}

// Encode is the installation as the topic holds it. It is an InputError where the definition is too large for that.
func (i *Installation) Encode() ([]byte, error) {
	const most = MaxRecordBytes - recordOverhead
	value, err := json.Marshal(i)
	if err == nil && len(value) > most {
		err = &InputError{Text: fmt.Sprintf("the definition takes %d bytes in Kafka, in one record, which holds at most %d; "+
			"use fewer districts or candidates (of a result file: replay some of its regions), or shorter texts", len(value), most)}
	}
	return value, err
}
