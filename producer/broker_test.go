package producer

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// broker is a Kafka that fails when it is told to.
type broker struct {
	cluster *kfake.Cluster
	wire    *wire
}

// newBroker holds an election.
func newBroker(t *testing.T, d *election.Definition, partitions int32) *broker {
	t.Helper()
	w := &wire{}
	return &broker{kafkatest.NewElection(t, d, partitions, kfake.ListenFn(w.listen)), w}
}

// atCommit calls f when the producer's transaction of this number, from 0, asks to be committed. The request is not
// carried out where f says that it is handled, and the connection is cut.
func (b *broker) atCommit(producer string, at int64, f func() (handled bool)) {
	var asked atomic.Int64
	b.cluster.ControlKey(int16(kmsg.EndTxn), func(request kmsg.Request) (kmsg.Response, error, bool) {
		r := request.(*kmsg.EndTxnRequest)
		if r.TransactionalID != "election-"+producer || !r.Commit || asked.Add(1) != at+1 {
			return nil, nil, false
		}
		if f() {
			return nil, errors.New("cut"), true
		}
		return nil, nil, false
	})
}

// atProduce calls f when records of the producer's transaction of this number arrive.
func (b *broker) atProduce(producer string, at int64, f func()) {
	ended := b.transactions(producer)
	b.cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		if producedBy(request, producer) && ended.Load() == at {
			f()
		}
		return nil, nil, false
	})
}

// refuse refuses what the producer's transaction of this number sends to partition 1 of a topic for good.
func (b *broker) refuse(producer, topic string, at int64) {
	ended := b.transactions(producer)
	b.cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Partitions: []int32{1}, Err: kerr.MessageTooLarge, Count: -1,
		When: func(request kmsg.Request) bool { return producedBy(request, producer) && ended.Load() == at },
	})
}

// transactions is how many transactions the producer has asked to end.
func (b *broker) transactions(producer string) *atomic.Int64 {
	ended := new(atomic.Int64)
	b.cluster.ControlKey(int16(kmsg.EndTxn), func(request kmsg.Request) (kmsg.Response, error, bool) {
		if request.(*kmsg.EndTxnRequest).TransactionalID == "election-"+producer {
			ended.Add(1)
		}
		return nil, nil, false
	})
	return ended
}

func producedBy(request kmsg.Request, producer string) bool {
	produce, ok := request.(*kmsg.ProduceRequest)
	return ok && produce.TransactionID != nil && *produce.TransactionID == "election-"+producer
}

// kills are the ways in which a producer is ended at its transaction of a number.
func (b *broker) kills(producer, topic string) map[string]func(at int64, kill func()) {
	return map[string]func(at int64, kill func()){
		"before the commit is asked for": func(at int64, kill func()) {
			b.atProduce(producer, at, kill)
		},
		"by records that are refused": func(at int64, _ func()) {
			b.refuse(producer, topic, at)
		},
		"before the commit is carried out": func(at int64, kill func()) {
			b.atCommit(producer, at, func() (handled bool) { kill(); return true })
		},
		"before the commit is confirmed": func(at int64, kill func()) {
			b.atCommit(producer, at, func() (handled bool) { b.wire.cut(kill); return false })
		},
	}
}

// wire is the broker's side of the network.
type wire struct {
	mu       sync.Mutex
	onAnswer func() // instead of the next answer the connection is cut
}

// cut cuts the connection when the broker next answers, and calls then.
func (w *wire) cut(then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onAnswer = then
}

func (w *wire) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return listener{l, w}, err
}

type listener struct {
	net.Listener
	wire *wire
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return conn{c, l.wire}, err
}

type conn struct {
	net.Conn
	wire *wire
}

func (c conn) Write(b []byte) (int, error) {
	c.wire.mu.Lock()
	then := c.wire.onAnswer
	c.wire.onAnswer = nil
	c.wire.mu.Unlock()
	if then == nil {
		return c.Conn.Write(b)
	}
	then()
	return 0, errors.Join(net.ErrClosed, c.Close())
}
