package spark

import (
	"context"
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// SaveMode says what a batch write does where data already is.
type SaveMode int32

// The modes of saving. Spark's default is ErrorIfExists.
const (
	Append        = SaveMode(wire.WriteOperation_SAVE_MODE_APPEND)
	Overwrite     = SaveMode(wire.WriteOperation_SAVE_MODE_OVERWRITE)
	ErrorIfExists = SaveMode(wire.WriteOperation_SAVE_MODE_ERROR_IF_EXISTS)
	Ignore        = SaveMode(wire.WriteOperation_SAVE_MODE_IGNORE)
)

// Writer describes a batch write. Its methods change and return it.
type Writer struct {
	df        *DataFrame
	operation *wire.WriteOperation
}

// Write describes where to write the rows: df.write in Spark's documentation.
func (df *DataFrame) Write() *Writer {
	return &Writer{df: df, operation: &wire.WriteOperation{Input: df.relation, Options: map[string]string{}}}
}

// Format names the sink, such as kafka, jdbc or parquet.
func (w *Writer) Format(name string) *Writer { w.operation.Source = &name; return w }

// Mode says what to do where data already is.
func (w *Writer) Mode(mode SaveMode) *Writer {
	w.operation.Mode = wire.WriteOperation_SaveMode(mode)
	return w
}

// Option sets an option of the sink; path is one.
func (w *Writer) Option(key, value string) *Writer { w.operation.Options[key] = value; return w }

// Options sets several options of the sink.
func (w *Writer) Options(options map[string]string) *Writer {
	maps.Copy(w.operation.Options, options)
	return w
}

// PartitionBy lays files out in a folder for each value of the columns.
func (w *Writer) PartitionBy(columns ...string) *Writer {
	w.operation.PartitioningColumns = columns
	return w
}

// Save runs the plan and writes its rows, and blocks until they are written.
func (w *Writer) Save(ctx context.Context) error { return w.write(ctx, w.clone()) }

// SaveAsTable writes the rows into a table of the catalog, made if need be.
func (w *Writer) SaveAsTable(ctx context.Context, name string) error {
	return w.table(ctx, name, wire.WriteOperation_SaveTable_TABLE_SAVE_METHOD_SAVE_AS_TABLE)
}

// InsertInto writes the rows into an existing table, by position of the columns.
func (w *Writer) InsertInto(ctx context.Context, name string) error {
	return w.table(ctx, name, wire.WriteOperation_SaveTable_TABLE_SAVE_METHOD_INSERT_INTO)
}

func (w *Writer) table(ctx context.Context, name string, method wire.WriteOperation_SaveTable_TableSaveMethod) error {
	operation := w.clone()
	operation.SaveType = &wire.WriteOperation_Table{Table: &wire.WriteOperation_SaveTable{TableName: name, SaveMethod: method}}
	return w.write(ctx, operation)
}

func (w *Writer) clone() *wire.WriteOperation {
	return proto.Clone(w.operation).(*wire.WriteOperation)
}

func (w *Writer) write(ctx context.Context, operation *wire.WriteOperation) error {
	if w.df.err != nil {
		return fmt.Errorf("write to %s: %w", operation.GetSource(), w.df.err)
	}
	command := &wire.Command{CommandType: &wire.Command_WriteOperation{WriteOperation: operation}}
	if _, err := w.df.session.conn.Run(ctx, command); err != nil {
		return fmt.Errorf("write to %s: %w", operation.GetSource(), err)
	}
	return nil
}
