package spark

import (
	"context"
	"fmt"

	"realtime-election/spark/wire"
)

// maxPositional is how many positional arguments Spark 4.2.0 keeps in order: from five on it binds them in the order of a
// hash set, and answers wrongly without a word.
const maxPositional = 4

// Args are the values of named parameters, :name in the text.
type Args map[string]any

// SQL sends a statement. A command, such as CACHE TABLE or CREATE TABLE, runs at once, and the DataFrame holds its result;
// a query is only checked, and runs when the DataFrame is used, also as a stream if it reads one. The arguments replace the
// question marks in the text in turn, at most four, or its named parameters if the one argument is an Args. They are of the
// types of Lit; Spark refuses a CalendarInterval, and an array or a map with nil in it.
func (s *Session) SQL(ctx context.Context, text string, args ...any) (*DataFrame, error) {
	sql := &wire.SQL{Query: text}
	if err := bind(sql, args); err != nil {
		return nil, fmt.Errorf("run SQL: %w", err)
	}
	query := s.relation(&wire.Relation{RelType: &wire.Relation_Sql{Sql: sql}})
	answers, err := s.conn.Run(ctx, &wire.Command{CommandType: &wire.Command_SqlCommand{
		SqlCommand: &wire.SqlCommand{Input: query.relation},
	}})
	if err != nil {
		return nil, fmt.Errorf("run SQL: %w", err)
	}
	for _, answer := range answers {
		if result := answer.GetSqlCommandResult().GetRelation(); result != nil {
			return s.relation(result), nil
		}
	}
	return query, nil
}

func bind(sql *wire.SQL, args []any) error {
	if len(args) == 1 {
		if named, ok := args[0].(Args); ok {
			sql.NamedArguments = make(map[string]*wire.Expression, len(named))
			for name, value := range named {
				e, err := Lit(value).checked()
				if err != nil {
					return fmt.Errorf("argument %s: %w", name, err)
				}
				sql.NamedArguments[name] = e
			}
			return nil
		}
	}
	if len(args) > maxPositional {
		return fmt.Errorf("%d positional arguments, at most %d: Spark 4.2 mixes up the order of more; pass one Args and name the parameters", len(args), maxPositional)
	}
	for i, value := range args {
		e, err := Lit(value).checked()
		if err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
		sql.PosArguments = append(sql.PosArguments, e)
	}
	return nil
}
