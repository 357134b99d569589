package audit

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/number"
	"realtime-election/internal/terminal"
)

// sighting is a ballot as the public topics show it.
type sighting struct {
	vote        election.Vote
	partition   int32
	offset      int64
	second      int64 // of Kafka's timestamp
	transaction int64 // in the partition
}

// knowledge is what somebody may know of a voter: something of the register, and something of when the voter's ballot was cast.
type knowledge struct {
	text string
	of   func(b []byte, s sighting) []byte
}

func district(b []byte, s sighting) []byte { return append(append(b, s.vote.DistrictID...), '/') }

func groupOf(b []byte, s sighting) []byte {
	b = append(append(district(b, s), s.vote.AgeGroup...), '/')
	return append(append(b, s.vote.Gender...), '/')
}

func votingTime(b []byte, s sighting) []byte { return append(b, s.vote.VotingTime...) }

func second(b []byte, s sighting) []byte { return binary.BigEndian.AppendUint64(b, uint64(s.second)) }

func transaction(b []byte, s sighting) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(s.partition))
	return binary.BigEndian.AppendUint64(b, uint64(s.transaction))
}

// nearby is how many offsets somebody may be wrong by who has counted the voters in a queue.
const nearby = 100

func place(b []byte, s sighting) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(s.partition))
	return binary.BigEndian.AppendUint64(b, uint64(s.offset/nearby))
}

func both(of ...func([]byte, sighting) []byte) func([]byte, sighting) []byte {
	return func(b []byte, s sighting) []byte {
		for _, part := range of {
			b = part(b, s)
		}
		return b
	}
}

func knowledges() []knowledge {
	return []knowledge{
		{"district, age group and gender", groupOf},
		{"these and voting_time", both(groupOf, votingTime)},
		{"these and Kafka's timestamp, to the second", both(groupOf, second)},
		{"these and the transaction", both(groupOf, transaction)},
		{"these and the offset, of " + strconv.Itoa(nearby), both(groupOf, place)},
		{"district and voting_time", both(district, votingTime)},
		{"district and the second in which the page counts it", both(district, second)},
	}
}

// printLinkage prints how many ballots are alone, or among few, with what may be known of their voters. It takes 56 bytes of memory
// for each ballot.
func printLinkage(ctx context.Context, c Config, installation *election.Installation, ends map[int32]int64) error {
	if installation.Definition.Electorate == nil {
		_, err := fmt.Fprintln(c.Out, "The ballots of a result file have no voters.")
		return err
	}
	known := knowledges()
	seen := make([][]uint64, len(known)) // a hash of what is known of each ballot
	seed := maphash.MakeSeed()
	var buffer []byte
	for partition := range installation.VotePartitions {
		var transactions, next int64
		err := c.Kafka.ReadTo(ctx, election.VotesTopic, partition, ends[partition], func(r *kgo.Record) error {
			if r.Offset != next { // the marker of a transaction is in between
				transactions++
			}
			next = r.Offset + 1
			vote, ok := election.ParseVote(r.Value)
			if !ok {
				return nil
			}
			s := sighting{vote, partition, r.Offset, r.Timestamp.Unix(), transactions}
			for i, k := range known {
				buffer = k.of(buffer[:0], s)
				seen[i] = append(seen[i], maphash.Bytes(seed, buffer))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	rows := [][]string{{"WHO KNOWS OF A VOTER", "BALLOTS ALONE", "OF FEWER THAN 5", "OF ALL"}}
	for i, k := range known {
		alone, few := among(seen[i])
		rows = append(rows, []string{k.text, share(alone, len(seen[i])), share(few, len(seen[i])), number.Thousands(int64(len(seen[i])))})
	}
	if err := terminal.Table(c.Out, rows); err != nil {
		return fmt.Errorf("print the linkage: %w", err)
	}
	_, err := fmt.Fprintln(c.Out)
	return err
}

// among counts the hashes that occur once, and those that occur fewer than five times. It sorts them.
func among(hashes []uint64) (alone, few int) {
	slices.Sort(hashes)
	for from := 0; from < len(hashes); {
		to := from + 1
		for to < len(hashes) && hashes[to] == hashes[from] {
			to++
		}
		if to-from == 1 {
			alone++
		}
		if to-from < 5 {
			few += to - from
		}
		from = to
	}
	return alone, few
}

func share(n, of int) string {
	if of == 0 {
		return "0"
	}
	return fmt.Sprintf("%s (%.2f %%)", number.Thousands(int64(n)), 100*float64(n)/float64(of))
}
