package spark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"realtime-election/spark/wire"
)

// Collect runs the plan and returns all its rows, which must fit in memory.
func (df *DataFrame) Collect(ctx context.Context) ([]Row, error) {
	var rows []Row
	for row, err := range df.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Rows runs the plan and yields its rows as they arrive, batch by batch. An error is yielded last. Leaving the loop early
// cancels the plan on the server. The rows to come wait on the server while the loop's body runs, which must not take longer than
// about five minutes over one batch of rows (at most 10,000): the server cuts a stream after two minutes, nobody reattaches meanwhile,
// and it gives an operation up that nobody has been attached to for five.
func (df *DataFrame) Rows(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if df.err != nil {
			yield(Row{}, fmt.Errorf("run the plan: %w", df.err))
			return
		}
		e := df.session.conn.Execute(ctx, df.plan())
		defer e.Close()
		var received int64
		for {
			answer, err := e.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("run the plan: %w", err))
				return
			}
			batch := answer.GetArrowBatch()
			if batch == nil {
				continue
			}
			rows, err := decodeBatch(batch, received)
			if err != nil {
				yield(Row{}, fmt.Errorf("read a batch of rows: %w", err))
				return
			}
			received += int64(len(rows))
			e.Consumed()
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// decodeBatch reads a batch, which must start at the row after the ones already received.
func decodeBatch(batch *wire.ExecutePlanResponse_ArrowBatch, received int64) ([]Row, error) {
	if batch.StartOffset != nil && batch.GetStartOffset() != received {
		return nil, fmt.Errorf("it starts at row %d, expected row %d", batch.GetStartOffset(), received)
	}
	rows, err := decodeArrow(batch.GetData(), batch.GetRowCount())
	if err != nil {
		return nil, err
	}
	if int64(len(rows)) != batch.GetRowCount() {
		return nil, fmt.Errorf("it holds %d rows, expected %d", len(rows), batch.GetRowCount())
	}
	return rows, nil
}

// decodeArrow reads one Arrow IPC stream of at most maxRows rows. Arrow's reader panics on some malformed input; that becomes
// an error.
func decodeArrow(data []byte, maxRows int64) (rows []Row, err error) {
	defer func() {
		if p := recover(); p != nil {
			rows, err = nil, fmt.Errorf("%w: %v", errMalformed, p)
		}
	}()
	if err := checkArrow(data, maxRows); err != nil {
		return nil, err
	}
	reader, err := ipc.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer reader.Release()
	names := make([]string, len(reader.Schema().Fields()))
	for i, field := range reader.Schema().Fields() {
		names[i] = field.Name
	}
	for reader.Next() {
		record := reader.RecordBatch()
		for i := range int(record.NumRows()) {
			row := Row{names: names, values: make([]any, len(names))}
			for c, column := range record.Columns() {
				if row.values[c], err = cell(column, i); err != nil {
					return nil, fmt.Errorf("column %s: %w", names[c], err)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, reader.Err()
}
