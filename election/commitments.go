package election

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sort"
)

// Commitment stands for the ballot that a voter on the register may cast, whether the voter does so or not. Nobody can find the
// ballot's id in it. But whoever sees a ballot can compute its commitment.
type Commitment [16]byte

// CommitTo is the commitment to a ballot: the first half of the SHA-256 of the fingerprint of the definition and the vote's
// ballot_id, district_id, age_group and gender, with a slash between each two. Spark's SQL computes the same.
func CommitTo(fingerprint string, v Vote) Commitment {
	text := make([]byte, 0, 160)
	text = append(append(text, fingerprint...), '/')
	text = append(append(text, v.BallotID...), '/')
	text = append(append(text, v.DistrictID...), '/')
	text = append(append(text, v.AgeGroup...), '/')
	text = append(text, v.Gender...)
	sum := sha256.Sum256(text)
	return Commitment(sum[:len(Commitment{})])
}

func (c Commitment) compare(other Commitment) int { return bytes.Compare(c[:], other[:]) }

// CommitmentsClosed is the key of the last record of ballot_commitments. Its value is ClosedCommitments. The records before it
// have no key; the value of each is up to commitmentsPerRecord commitments, 16 bytes each.
const CommitmentsClosed = "closed"

// ClosedCommitments is the value of the last record of ballot_commitments.
type ClosedCommitments struct {
	Fingerprint string `json:"fingerprint"` // of the definition
	Commitments int64  `json:"commitments"` // how many there are: as many as voters on the register
	// Root is the SHA-256 of all commitments in ascending order, in hexadecimal. It fixes which ballots may be counted, before
	// the first is cast.
	Root string `json:"root"`
}

const commitmentsPerRecord = 1024

// Commitments are the commitments of an election in ascending order, which tells nothing about their voters, and the records of
// ballot_commitments that hold them.
type Commitments struct {
	fingerprint string
	sorted      []Commitment
}

// NewCommitments takes the commitments to the ballots of all voters on the register, and sorts them. fingerprint is that of the
// definition.
func NewCommitments(fingerprint string, commitments []Commitment) *Commitments {
	slices.SortFunc(commitments, Commitment.compare)
	return &Commitments{fingerprint, commitments}
}

// Len is how many commitments there are.
func (c *Commitments) Len() int { return len(c.sorted) }

// Equal reports whether they allow the same ballots.
func (c *Commitments) Equal(other *Commitments) bool { return slices.Equal(c.sorted, other.sorted) }

// Has reports whether there is a commitment to a ballot.
func (c *Commitments) Has(v Vote) bool {
	x := CommitTo(c.fingerprint, v)
	_, found := sort.Find(len(c.sorted), func(i int) int { return x.compare(c.sorted[i]) })
	return found
}

// Records is how many records hold them, with the one that closes the topic.
func (c *Commitments) Records() int64 {
	return int64(len(c.sorted)+commitmentsPerRecord-1)/commitmentsPerRecord + 1
}

// AppendRecord appends the key and the value of a record.
func (c *Commitments) AppendRecord(b []byte, record int64) (grown, key, value []byte) {
	start := len(b)
	if record == c.Records()-1 {
		b = append(b, CommitmentsClosed...)
		closed, _ := json.Marshal(c.close()) // strings and a number: it never fails
		grown = append(b, closed...)
		return grown, grown[start:len(b)], grown[len(b):]
	}
	from := int(record) * commitmentsPerRecord
	for _, x := range c.sorted[from:min(from+commitmentsPerRecord, len(c.sorted))] {
		b = append(b, x[:]...)
	}
	return b, nil, b[start:]
}

func (c *Commitments) close() ClosedCommitments {
	root := sha256.New()
	for _, x := range c.sorted {
		root.Write(x[:])
	}
	return ClosedCommitments{c.fingerprint, int64(len(c.sorted)), hex.EncodeToString(root.Sum(nil))}
}

// CommitmentsReader reads the records of ballot_commitments in the order of the topic, and checks that they are complete.
type CommitmentsReader struct {
	read Commitments
	root hash.Hash
}

// NewCommitmentsReader makes a reader for the election whose definition has this fingerprint.
func NewCommitmentsReader(fingerprint string) *CommitmentsReader {
	return &CommitmentsReader{read: Commitments{fingerprint: fingerprint}, root: sha256.New()}
}

// Read reads a record. It returns all commitments when it has read the record that closes the topic, and nil before. An error
// means that the topic does not hold what `votes` writes.
func (r *CommitmentsReader) Read(key, value []byte) (*Commitments, error) {
	if string(key) == CommitmentsClosed {
		return r.close(value)
	}
	if len(value) == 0 || len(value)%len(Commitment{}) != 0 {
		return nil, fmt.Errorf("a value has %d bytes, which is no multiple of %d", len(value), len(Commitment{}))
	}
	for part := range slices.Chunk(value, len(Commitment{})) {
		x := Commitment(part)
		if n := r.read.Len(); n > 0 && x.compare(r.read.sorted[n-1]) <= 0 {
			return nil, errors.New("commitments are not in ascending order")
		}
		r.read.sorted = append(r.read.sorted, x)
		r.root.Write(part)
	}
	return nil, nil
}

func (r *CommitmentsReader) close(value []byte) (*Commitments, error) {
	var closed ClosedCommitments
	switch err := json.Unmarshal(value, &closed); {
	case err != nil:
		return nil, fmt.Errorf("decode the record that closes them: %w", err)
	case closed.Fingerprint != r.read.fingerprint:
		return nil, errors.New("they are those of another election")
	case closed.Commitments != int64(r.read.Len()):
		return nil, fmt.Errorf("there are %d, and the record that closes them says %d", r.read.Len(), closed.Commitments)
	case closed.Root != hex.EncodeToString(r.root.Sum(nil)):
		return nil, errors.New("they are not those whose root the record that closes them has")
	}
	return &r.read, nil
}
