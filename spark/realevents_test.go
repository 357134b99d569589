//go:build services

package spark_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"realtime-election/spark"
)

func TestEventsTellTheLifeOfAQuery(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	var query *spark.StreamingQuery
	batches := map[int64]bool{}
	lastID := int64(-1)
	var order []string
	for event, err := range session.Streams().Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		switch event := event.(type) {
		case spark.ListenerAdded:
			query = must(session.ReadStream().Format("rate").Option("rowsPerSecond", "100").Load().WriteStream().Format("memory").
				QueryName("lived").Trigger(spark.ProcessingTime(200 * time.Millisecond)).Start(ctx))(t)
		case spark.QueryStarted:
			order = append(order, "started")
			if event.ID != query.ID() || event.RunID != query.RunID() || event.Name != "lived" || event.Timestamp.IsZero() {
				t.Errorf("started %+v", event)
			}
		case spark.QueryProgress:
			if len(order) == 1 {
				order = append(order, "progress")
			}
			if event.Progress.RunID != query.RunID() || batches[event.Progress.BatchID] || lastID >= 0 && event.Progress.BatchID != lastID+1 {
				t.Errorf("progress of batch %d of run %s after %d", event.Progress.BatchID, event.Progress.RunID, lastID)
			}
			lastID, batches[event.Progress.BatchID] = event.Progress.BatchID, true
			if len(batches) == 15 {
				must(0, query.Stop(ctx))(t)
			}
		case spark.QueryTerminated:
			if event.RunID != query.RunID() || event.Exception != nil {
				t.Errorf("terminated %+v", event)
			}
			if got := strings.Join(order, " "); got != "started progress" || len(batches) < 15 || !batches[0] {
				t.Errorf("events %q, %d batches", got, len(batches))
			}
			return
		}
	}
	t.Error("the events ended by themselves")
}

func TestEventsTellWhyAQueryFailed(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	must(0, session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load().CreateOrReplaceTempView(ctx, "ticks"))(t)
	bad := must(session.SQL(ctx, "SELECT 1 / (value - value) AS x FROM ticks"))(t)
	for event, err := range session.Streams().Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		switch event := event.(type) {
		case spark.ListenerAdded:
			must(bad.WriteStream().Format("memory").QueryName("bad").Start(ctx))(t)
		case spark.QueryTerminated:
			if event.Exception == nil || event.Exception.Class == "" || !strings.Contains(event.Exception.Message, "DIVIDE_BY_ZERO") {
				t.Errorf("terminated with %+v, expected a division by zero", event.Exception)
			}
			return
		}
	}
	t.Error("the events ended by themselves")
}

// TestLoopOfAnotherClientTakesTheEvents is what a program needs that comes back to the session of one that died.
func TestLoopOfAnotherClientTakesTheEvents(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	second := must(spark.Dial(ctx, sparkServer(t), spark.WithSessionID(session.ID()), spark.WithUserID(session.UserID()),
		spark.WithServerSessionID(session.ServerSessionID())))(t)
	defer second.Close()
	taken, leave := make(chan error, 1), make(chan struct{})
	later, cancel := context.WithCancel(ctx)
	defer cancel()
	var last error
	for event, err := range session.Streams().Events(ctx) {
		last = err
		if _, ok := event.(spark.ListenerAdded); !ok {
			continue
		}
		go func() {
			defer close(taken)
			for event, err := range second.Streams().Events(later) {
				if err != nil {
					taken <- err
				}
				if _, ok := event.(spark.ListenerAdded); ok {
					<-leave
					return
				}
			}
		}()
	}
	close(leave)
	if !errors.Is(last, spark.ErrEventsTaken) {
		t.Errorf("the first loop ended with %v, expected ErrEventsTaken", last)
	}
	if err := <-taken; err != nil {
		t.Errorf("the second loop ended with %v", err)
	}
}

// gate is a client's way to the server, which can be shut.
type gate struct {
	mu     sync.Mutex
	isShut bool
	conns  []net.Conn
}

func (g *gate) dial(ctx context.Context, address string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isShut {
		return nil, errors.New("the gate is shut")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		g.conns = append(g.conns, conn)
	}
	return conn, err
}

func (g *gate) shut(yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isShut = yes
	for _, conn := range g.conns {
		conn.Close()
	}
	g.conns = nil
}

// TestLoopThatLostTheEventsUnawaresLeavesThemThere cuts a loop off while another client takes its events, and has it end before it
// can hear of that.
func TestLoopThatLostTheEventsUnawaresLeavesThemThere(t *testing.T) {
	ctx, way := testContext(t), new(gate)
	session := newSession(t, spark.WithGRPC(grpc.WithContextDialer(way.dial)))
	second := must(spark.Dial(ctx, sparkServer(t), spark.WithSessionID(session.ID()), spark.WithUserID(session.UserID()),
		spark.WithServerSessionID(session.ServerSessionID())))(t)
	defer second.Close()
	firstCtx, leave := context.WithCancel(ctx)
	defer leave()
	shut, left := make(chan struct{}), make(chan error, 1)
	go func() {
		var last error
		for event, err := range session.Streams().Events(firstCtx) {
			last = err
			if _, ok := event.(spark.ListenerAdded); ok {
				way.shut(true)
				close(shut)
			}
		}
		left <- last
	}()
	<-shut
	for event, err := range second.Streams().Events(ctx) {
		if err != nil {
			t.Fatalf("the second loop ended with %v", err)
		}
		switch event.(type) {
		case spark.ListenerAdded:
			leave()
			way.shut(false)
			if err := <-left; err != nil {
				t.Errorf("the first loop ended with %v", err)
			}
			must(second.ReadStream().Format("rate").Load().WriteStream().Format("noop").Start(ctx))(t)
		case spark.QueryProgress:
			return
		}
	}
	t.Error("the events ended by themselves")
}

// TestRealTimeTriggerReachesTheServer holds it by what the server says of a source that cannot do it.
func TestRealTimeTriggerReachesTheServer(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	query, err := session.ReadStream().Format("rate").Load().WriteStream().Format("console").OutputMode(spark.OutputUpdate).
		Option("checkpointLocation", t.TempDir()).Trigger(spark.RealTime(5 * time.Second)).Start(ctx)
	if err == nil {
		err = query.AwaitTermination(ctx)
	}
	var e *spark.Error
	if !errors.As(err, &e) || !strings.Contains(e.Class+e.Message, "STREAMING_REAL_TIME_MODE") {
		t.Errorf("got %v, expected the class STREAMING_REAL_TIME_MODE", err)
	}
}
