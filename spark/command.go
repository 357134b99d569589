package spark

import (
	"context"
	"errors"
	"io"

	"realtime-election/spark/wire"
)

// run executes a command to its end and returns its answers.
func (s *Session) run(ctx context.Context, command *wire.Command) ([]*wire.ExecutePlanResponse, error) {
	e := s.execute(ctx, &wire.Plan{OpType: &wire.Plan_Command{Command: command}})
	defer e.close()
	var answers []*wire.ExecutePlanResponse
	for {
		answer, err := e.next()
		if errors.Is(err, io.EOF) {
			return answers, nil
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
}

// relation numbers a relation, as Spark's own clients do, and makes it a DataFrame.
func (s *Session) relation(r *wire.Relation) *DataFrame {
	id := s.planIDs.Add(1)
	r.Common = &wire.RelationCommon{PlanId: &id}
	return &DataFrame{session: s, relation: r}
}
