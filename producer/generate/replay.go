package generate

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"sort"
	"time"

	"realtime-election/election"
)

// Replay computes the ballots of a result file: one for each vote of each line, in an order that mixes the lines.
type Replay struct {
	polling election.Polling
	lines   []replayLine
	upTo    []int64 // upTo[i] is the number of votes of lines 0 to i
	order   Permutation
	ids     cipher.Block
}

type replayLine struct{ candidate, district []byte }

// NewReplay prepares the ballots of a definition's source lines. Line i has votes[i] votes, and all lines together at
// least one.
func NewReplay(d *election.Definition, votes []int64, seed uint64) *Replay {
	r := &Replay{polling: d.Polling}
	districts := d.Districts()
	var sum int64
	for i, line := range d.Source.Lines {
		sum += votes[i]
		r.upTo = append(r.upTo, sum)
		r.lines = append(r.lines, replayLine{[]byte(d.Candidates[line[1]].ID), []byte(districts[line[0]].ID)})
	}
	r.order = NewPermutation(uint64(sum), seed)
	key := deriveKey(seed, "ballot ids", 0)
	ids, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has a length that AES takes
	}
	r.ids = ids
	return r
}

// Size is the number of ballots.
func (r *Replay) Size() int64 { return r.upTo[len(r.upTo)-1] }

// Append appends the canonical line of the ballot with this serial number, from 0 to Size-1. Its id stands at
// line[election.BallotIDStart:election.BallotIDEnd].
//
// The id is the serial number encrypted under the seed: unique, because encryption can be undone, and the same in every
// run. The time increases with the serial number over the polling day. Age group and gender are empty.
func (r *Replay) Append(b []byte, serial int64) []byte {
	vote := int64(r.order.At(uint64(serial)))
	line := r.lines[sort.Search(len(r.upTo), func(i int) bool { return vote < r.upTo[i] })]

	var block election.BallotID
	binary.BigEndian.PutUint64(block[8:], uint64(serial))
	r.ids.Encrypt(block[:], block[:])
	var digits [2 * len(block)]byte
	hex.Encode(digits[:], block[:])

	day := r.polling.Closes.Sub(r.polling.Opens).Milliseconds()
	high, low := bits.Mul64(uint64(serial), uint64(day))
	millisecond, _ := bits.Div64(high, low, uint64(r.Size())) // below day
	var clock [len(election.TimeLayout)]byte
	return election.AppendVote(b, election.Vote{
		BallotID:    digits[:],
		CandidateID: line.candidate,
		DistrictID:  line.district,
		VotingTime:  election.AppendTime(clock[:0], r.polling.Opens.Add(time.Duration(millisecond)*time.Millisecond)),
	})
}
