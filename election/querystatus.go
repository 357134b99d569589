package election

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// QueryState is what the streaming query does.
type QueryState string

// The states.
const (
	QueryStarting QueryState = "starting"
	QueryRunning  QueryState = "running"
	QueryWaiting  QueryState = "waiting" // for Spark, for the end of the register, or until the next try
	QueryFailing  QueryState = "failing" // it failed again and again without counting anything in between
	QueryStopped  QueryState = "stopped" // by `election query stop`
)

// QueryStates are all states.
func QueryStates() []QueryState {
	return []QueryState{QueryStarting, QueryRunning, QueryWaiting, QueryFailing, QueryStopped}
}

// QueryStatus is the value of QueryKey: `submit`'s report about the streaming query.
type QueryStatus struct {
	Run                    int        `json:"run"`
	State                  QueryState `json:"state"`
	Batch                  int64      `json:"batch"` // the last committed micro-batch; -1 before the first
	InputRowsPerSecond     float64    `json:"input_rows_per_second"`
	ProcessedRowsPerSecond float64    `json:"processed_rows_per_second"`
	BatchMilliseconds      int64      `json:"batch_milliseconds"`
	StateBytes             int64      `json:"state_bytes"`     // of the query's state, in memory and in the files of RocksDB
	Error                  string     `json:"error,omitempty"` // of the last failure, until a micro-batch commits again; at most MostErrorBytes
	// Counted is, for each partition of votes_topic, the offset up to which (exclusive) the query has counted.
	Counted   map[string]int64 `json:"counted_offsets"`
	UpdatedAt time.Time        `json:"updated_at"`
}

// MostErrorBytes bounds QueryStatus.Error.
const MostErrorBytes = 4 << 10

// Validate returns an error if `submit` does not write such a status.
func (s *QueryStatus) Validate() error {
	switch {
	case s.Run < 0:
		return fmt.Errorf("the run is %d", s.Run)
	case !slices.Contains(QueryStates(), s.State):
		return fmt.Errorf("there is no state %.20q", s.State)
	case len(s.Error) > MostErrorBytes:
		return fmt.Errorf("the error has %d bytes, of at most %d", len(s.Error), MostErrorBytes)
	}
	for partition, offset := range s.Counted {
		if n, err := strconv.Atoi(partition); err != nil || strconv.Itoa(n) != partition || n < 0 || n >= MostVotePartitions || offset < 0 {
			return fmt.Errorf("partition %.20q is counted up to %d", partition, offset)
		}
	}
	return nil
}
