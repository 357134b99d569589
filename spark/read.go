package spark

import (
	"maps"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// Reader describes a source, batch or streaming. Its methods change and return it.
type Reader struct {
	session   *Session
	streaming bool
	format    string
	schema    string
	options   map[string]string
}

// Read describes a batch source: spark.read in Spark's documentation.
func (s *Session) Read() *Reader { return &Reader{session: s, options: map[string]string{}} }

// ReadStream describes a streaming source: spark.readStream in Spark's documentation.
func (s *Session) ReadStream() *Reader {
	return &Reader{session: s, options: map[string]string{}, streaming: true}
}

// Format names the source, such as kafka, rate, jdbc or parquet.
func (r *Reader) Format(name string) *Reader { r.format = name; return r }

// Schema gives the columns as DDL, such as "id BIGINT, name STRING", to sources that do not know their own.
func (r *Reader) Schema(ddl string) *Reader { r.schema = ddl; return r }

// Option sets an option of the source.
func (r *Reader) Option(key, value string) *Reader { r.options[key] = value; return r }

// Options sets several options of the source.
func (r *Reader) Options(options map[string]string) *Reader { maps.Copy(r.options, options); return r }

// Load makes the source a DataFrame. Nothing is read, nor even checked, until the DataFrame is used.
func (r *Reader) Load(paths ...string) *DataFrame {
	source := &wire.Read_DataSource{Options: maps.Clone(r.options), Paths: paths}
	if r.format != "" {
		source.Format = proto.String(r.format)
	}
	if r.schema != "" {
		source.Schema = proto.String(r.schema)
	}
	return r.read(&wire.Read{ReadType: &wire.Read_DataSource_{DataSource: source}})
}

// Table is a table or view by its name, with the reader's options.
func (r *Reader) Table(name string) *DataFrame {
	return r.read(&wire.Read{ReadType: &wire.Read_NamedTable_{
		NamedTable: &wire.Read_NamedTable{UnparsedIdentifier: name, Options: maps.Clone(r.options)},
	}})
}

func (r *Reader) read(read *wire.Read) *DataFrame {
	read.IsStreaming = r.streaming
	return r.session.relation(&wire.Relation{RelType: &wire.Relation_Read{Read: read}})
}
