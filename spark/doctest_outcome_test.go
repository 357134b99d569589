//go:build services

package spark_test

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/wire"
)

type object = map[string]any

// show is df.show(): the first 20 rows, or n.
func (d *doctest) show(df *spark.DataFrame, n ...int32) {
	d.Helper()
	columns := []any{}
	for _, field := range must(df.Schema(d.ctx))(d.T) {
		columns = append(columns, []any{field.Name, field.Type})
	}
	rows := []any{}
	for _, row := range must(df.Limit(append(n, 20)[0]).Collect(d.ctx))(d.T) {
		rows = append(rows, plain(row.Values()))
	}
	if d.rated {
		d.add("rows", object{"columns": columns, "rows": len(rows) > 0})
	} else {
		d.add("rows", object{"columns": columns, "rows": rows})
	}
}

// value is an expression that Python prints.
func (d *doctest) value(value any) { d.add("value", plain(value)) }

// collect is df.collect(), printed.
func (d *doctest) collect(df *spark.DataFrame) {
	d.Helper()
	d.value(must(df.Collect(d.ctx))(d.T))
}

// count is df.count(), printed.
func (d *doctest) count(df *spark.DataFrame) {
	d.Helper()
	d.value(must(df.Count(d.ctx))(d.T))
}

// schema is df.printSchema(), or a DataFrame or schema printed.
func (d *doctest) schema(df *spark.DataFrame) {
	d.Helper()
	fields := []any{}
	for _, field := range must(df.Schema(d.ctx))(d.T) {
		fields = append(fields, []any{field.Name, field.Type, field.Nullable})
	}
	d.add("schema", fields)
}

// explain records the headings of a plan; what is below them differs in ids.
func (d *doctest) explain(plan string, err error) {
	d.Helper()
	headings := []any{}
	for line := range strings.Lines(must(plan, err)(d.T)) {
		if strings.HasPrefix(line, "== ") {
			headings = append(headings, strings.TrimSpace(line))
		}
	}
	d.add("explain", headings)
}

// object is a reader, writer or column printed.
func (d *doctest) object(of any) { d.wire(spark.Wire(of)) }

// active prints whether the query runs.
func (d *doctest) active(q *spark.StreamingQuery) {
	d.Helper()
	d.value(must(q.Status(d.ctx))(d.T).Active)
}

// report prints a progress report; what it measured differs from run to run.
func (d *doctest) report(p *spark.Progress) {
	d.value(object{"id": string(p.ID), "runId": string(p.RunID), "name": p.Name, "sources": sources(p), "sink": p.Sink.Description})
}

func sources(p *spark.Progress) (descriptions []any) {
	for _, source := range p.Sources {
		descriptions = append(descriptions, source.Description)
	}
	return descriptions
}

// kind stands for what differs from run to run.
func kind(value any) string { return fmt.Sprintf("%T", value) }

// ended prints whether what waits for an end saw it within five seconds.
func (d *doctest) ended(wait func(context.Context) error) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, 5*time.Second)
	defer cancel()
	err := wait(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		d.Fatal(err)
	}
	d.value(err == nil)
}

// sleep waits until each active query had rows and records where from, where to and how many.
func (d *doctest) sleep() {
	d.Helper()
	ran := []any{}
	queries := must(d.session.Streams().Active(d.ctx))(d.T)
	for _, query := range queries {
		report := awaitRows(d.T, query)
		from, operators, eventTime := sources(report), []any{}, []any{}
		for _, source := range report.Sources {
			d.rated = d.rated || strings.HasPrefix(source.Description, "RateStream")
		}
		for _, operator := range report.StateOperators {
			operators = append(operators, operator.OperatorName)
		}
		for name := range report.EventTime {
			eventTime = append(eventTime, name)
		}
		slices.SortFunc(eventTime, func(a, b any) int { return cmp.Compare(a.(string), b.(string)) })
		var rows any = true
		if len(queries) == 1 && !d.rated {
			rows = report.NumInputRows
		}
		ran = append(ran, object{"name": report.Name, "sources": from, "sink": report.Sink.Description, "rows": rows, "operators": operators, "eventTime": eventTime})
	}
	slices.SortFunc(ran, func(a, b any) int { return cmp.Compare(a.(object)["sink"].(string), b.(object)["sink"].(string)) })
	d.add("ran", ran)
}

// temp is tempfile.TemporaryDirectory.
func (d *doctest) temp(prefix string) string {
	d.Helper()
	return must(os.MkdirTemp(d.folder, prefix))(d.T)
}

// plain is a value as JSON, in the form of doctests.py: what JSON has no form for is an object of one key, its kind.
func plain(value any) any {
	switch v := value.(type) {
	case float32:
		return plain(float64(v))
	case float64:
		return object{"float": strconv.FormatFloat(v, 'g', -1, 64)}
	case spark.Decimal:
		return object{"decimal": string(v)}
	case []byte:
		return object{"binary": hex.EncodeToString(v)}
	case time.Time:
		return object{"timestamp": v.Format("2006-01-02T15:04:05.000000")}
	case spark.TimestampNTZ:
		return plain(v.In(time.UTC))
	case spark.Date:
		return object{"date": v.String()}
	case time.Duration:
		return object{"microseconds": v.Microseconds()}
	case spark.Row:
		fields := []any{}
		for i, name := range v.Names() {
			fields = append(fields, []any{name, plain(v.At(i))})
		}
		return object{"row": fields}
	case []spark.Row:
		return list(v)
	case []any:
		return list(v)
	case []string:
		return list(v)
	case spark.Map:
		entries := []any{}
		for _, entry := range v {
			entries = append(entries, []any{plain(entry.Key), plain(entry.Value)})
		}
		return object{"map": entries}
	}
	return value
}

func list[T any](values []T) []any {
	all := []any{}
	for _, value := range values {
		all = append(all, plain(value))
	}
	return all
}

// trace is what a session was told to do, beside what its program recorded.
type trace struct {
	mu        sync.Mutex
	outcomes  []any
	sent      map[string]bool // operations
	listening bool
	over      bool
}

func (s *trace) add(kind string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.outcomes = append(s.outcomes, []any{kind, value})
	}
}

// end ends the record: what follows, the docstring does not do.
func (s *trace) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

func (s *trace) wire(message proto.Message) {
	text, err := protojson.Marshal(message)
	if err != nil {
		panic(err) // of messages that the client made
	}
	s.add("wire", json.RawMessage(text))
}

// watch records the start of each streaming query, and listeners as they come and go, from the messages on their way.
func (s *trace) watch() spark.Option {
	intercept := func(ctx context.Context, d *grpc.StreamDesc, conn *grpc.ClientConn, method string, next grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := next(ctx, d, conn, method, o...)
		return watched{stream, s}, err
	}
	return spark.WithGRPC(grpc.WithStreamInterceptor(intercept))
}

func (s *trace) again(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	again := s.sent[operation]
	if s.sent == nil {
		s.sent = map[string]bool{}
	}
	s.sent[operation] = true
	return again
}

type watched struct {
	grpc.ClientStream
	trace *trace
}

func (w watched) SendMsg(message any) error {
	if request, ok := message.(*wire.ExecutePlanRequest); ok {
		w.trace.command(request.GetOperationId(), request.GetPlan().GetCommand())
	}
	return w.ClientStream.SendMsg(message)
}

// command records a command once, however often a lost connection has it sent.
func (s *trace) command(operation string, command *wire.Command) {
	if s.again(operation) {
		return
	}
	if start := command.GetWriteStreamOperationStart(); start != nil {
		s.wire(start)
	}
	if bus := command.GetStreamingQueryListenerBusCommand(); bus != nil {
		// Events removes the listener of a client that died before it adds its own.
		adds := bus.GetAddListenerBusListener()
		if adds || s.listening {
			s.wire(bus)
		}
		s.listening = adds
	}
}
