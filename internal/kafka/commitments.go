package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// Commitments reads ballot_commitments to its stable end. It returns nil if the topic is not closed. end is the offset of the
// record that closes it. The error is an *election.InputError if the topic does not hold what `votes` writes.
func (c Cluster) Commitments(ctx context.Context, installation *election.Installation) (register *election.Commitments, end int64, err error) {
	return c.commitmentsTo(ctx, StableEnds, installation)
}

// DecidedCommitments is Commitments to the end of the topic. It waits for open transactions.
func (c Cluster) DecidedCommitments(ctx context.Context, installation *election.Installation) (register *election.Commitments, end int64, err error) {
	return c.commitmentsTo(ctx, Ends, installation)
}

func (c Cluster) commitmentsTo(ctx context.Context, endsOf func(context.Context, *kgo.Client, string) (map[int32]int64, error),
	installation *election.Installation,
) (register *election.Commitments, end int64, err error) {
	read := commitmentsReader(installation, &register, &end)
	err = c.readPartition(ctx, election.BallotCommitmentsTopic, 0, endsOf, read)
	if errors.Is(err, errClosed) {
		err = nil
	}
	return register, end, err
}

// errClosed ends reading at the record that closes ballot_commitments.
var errClosed = errors.New("closed")

func commitmentsReader(installation *election.Installation, register **election.Commitments, end *int64) func(*kgo.Record) error {
	reader := election.NewCommitmentsReader(installation.Fingerprint)
	return func(record *kgo.Record) (err error) {
		*register, err = reader.Read(record.Key, record.Value)
		switch {
		case err != nil:
			return &election.InputError{Text: fmt.Sprintf("%s, offset %d: %v; begin anew with empty topics", election.BallotCommitmentsTopic, record.Offset, err)}
		case *register == nil:
			return nil
		}
		*end = record.Offset
		return errClosed
	}
}

// Register is which ballots may be counted, once the register is closed.
type Register struct {
	// Done is closed when the other fields are set.
	Done        chan struct{}
	Commitments *election.Commitments // nil where the election has no register
	End         int64                 // the offset of the record that closes ballot_commitments; 0 without a register
	Err         error                 // an *election.InputError, or that of the context
}

// registerPause is the pause after Kafka did not answer.
const registerPause = 5 * time.Second

// FollowRegister waits in the background until the register is closed.
func (c Cluster) FollowRegister(ctx context.Context, installation *election.Installation) *Register {
	r := &Register{Done: make(chan struct{})}
	if installation.Definition.Electorate == nil {
		close(r.Done)
		return r
	}
	go func() {
		defer close(r.Done)
		for {
			err := c.ReadBetween(ctx, election.BallotCommitmentsTopic, map[int32]int64{0: 0}, nil, commitmentsReader(installation, &r.Commitments, &r.End))
			if errors.Is(err, errClosed) {
				return
			}
			if _, wrong := errors.AsType[*election.InputError](err); wrong || ctx.Err() != nil {
				r.Err = err
				return
			}
			c.Logger().Warn("it is not known yet which ballots the register allows; trying again", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(registerPause):
			}
		}
	}()
	return r
}

// Closed reports whether it is known which ballots may be counted.
func (r *Register) Closed() bool {
	select {
	case <-r.Done:
		return r.Err == nil
	default:
		return false
	}
}
