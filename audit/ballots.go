package audit

import (
	"encoding/hex"
	"hash/maphash"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// position identifies a record in its topic.
type position struct {
	partition int32
	offset    int64
}

// rejected is why a record is not counted, and hashes of its key and value: one of the whole, one of what
// votes_rejected holds.
type rejected struct {
	reason     election.Reason
	whole, cut uint64
}

// ballots are the counted ballots, each with a hash of its line, and the rejected records. Ten million ballots take
// about 500 MB.
type ballots struct {
	seed     maphash.Seed
	counted  map[election.BallotID]uint64
	rejected map[position]rejected
}

func newBallots() *ballots {
	return &ballots{seed: maphash.MakeSeed(), counted: make(map[election.BallotID]uint64), rejected: make(map[position]rejected)}
}

// add remembers a record of votes_topic that is counted, or why it is not.
func (b *ballots) add(r *kgo.Record, reason election.Reason) {
	if reason != "" {
		b.rejected[position{r.Partition, r.Offset}] = b.reject(reason, r.Key, r.Value)
		return
	}
	var id election.BallotID
	if _, err := hex.Decode(id[:], r.Key); err != nil {
		panic(err) // the key of a counted ballot is its id
	}
	b.counted[id] = maphash.Bytes(b.seed, r.Value)
}

// The most that votes_rejected holds of a record, in bytes.
const (
	publishedKey = 64 << 10
	publishedRaw = 512 << 10
)

func (b *ballots) reject(reason election.Reason, key, raw []byte) rejected {
	r := rejected{reason: reason, whole: b.sum(key, raw)}
	r.cut = r.whole
	if len(key) > publishedKey || len(raw) > publishedRaw {
		r.cut = b.sum(key[:min(len(key), publishedKey)], raw[:min(len(raw), publishedRaw)])
	}
	return r
}

// sum is a hash of a record's key and value. It distinguishes nil from empty.
func (b *ballots) sum(key, raw []byte) uint64 {
	type record struct {
		noKey, noRaw bool
		key, raw     uint64
	}
	return maphash.Comparable(b.seed, record{key == nil, raw == nil, maphash.Bytes(b.seed, key), maphash.Bytes(b.seed, raw)})
}
