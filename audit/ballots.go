package audit

import (
	"encoding/hex"
	"hash/maphash"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// spot is where a record stands in its topic.
type spot struct {
	partition int32
	offset    int64
}

// rejected is why a record is not counted, and a hash of its key and value: whole, and as votes_rejected holds them.
type rejected struct {
	reason     election.Reason
	whole, cut uint64
}

// ballots are the counted ballots, each with a hash of its line, and the other records. Ten million ballots take some
// 500 MB.
type ballots struct {
	seed     maphash.Seed
	counted  map[election.BallotID]uint64
	rejected map[spot]rejected
}

func newBallots() *ballots {
	return &ballots{seed: maphash.MakeSeed(), counted: make(map[election.BallotID]uint64), rejected: make(map[spot]rejected)}
}

// add remembers a record of votes_topic that is counted, or why it is not.
func (b *ballots) add(r *kgo.Record, reason election.Reason) {
	if reason != "" {
		b.rejected[spot{r.Partition, r.Offset}] = b.reject(reason, r.Key, r.Value)
		return
	}
	var id election.BallotID
	if _, err := hex.Decode(id[:], r.Key); err != nil {
		panic(err) // the key of a counted ballot is its id
	}
	b.counted[id] = maphash.Bytes(b.seed, r.Value)
}

// What votes_rejected holds of a record, in bytes.
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

// sum is a hash of a record's key and value, which tells none from an empty one.
func (b *ballots) sum(key, raw []byte) uint64 {
	type record struct {
		noKey, noRaw bool
		key, raw     uint64
	}
	return maphash.Comparable(b.seed, record{key == nil, raw == nil, maphash.Bytes(b.seed, key), maphash.Bytes(b.seed, raw)})
}
