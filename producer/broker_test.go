package producer

import (
	"bytes"
	"encoding/binary"
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

// broker is a fake Kafka that fails when a test tells it to.
type broker struct {
	cluster *kfake.Cluster
	wire    *wire
}

// newBroker starts a broker that holds an election.
func newBroker(t *testing.T, d *election.Definition, partitions int32) *broker {
	t.Helper()
	w := &wire{}
	return &broker{kafkatest.NewElection(t, d, partitions, kfake.ListenFn(w.listen), kfake.GroupMinSessionTimeout(0)), w}
}

// atCommit calls f when the producer asks to commit its transaction of this number, from 0. If f returns true, the
// request is not carried out, and the connection is cut.
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

// atConfirmation lets the producer's transaction of this number, from 0, commit. Instead of sending the answer, it cuts
// the connection and calls f.
func (b *broker) atConfirmation(producer string, at int64, f func()) {
	b.atCommit(producer, at, func() (handled bool) { b.wire.cut("election-"+producer, f); return false })
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

// refuse refuses, every time, the records that the producer's transaction of this number sends to partition 1 of a
// topic.
func (b *broker) refuse(producer, topic string, at int64) {
	ended := b.transactions(producer)
	b.cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Partitions: []int32{1}, Err: kerr.MessageTooLarge, Count: -1,
		When: func(request kmsg.Request) bool { return producedBy(request, producer) && ended.Load() == at },
	})
}

// transactions counts the transactions that the producer asks to end.
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

// kills are ways to end a producer at its transaction of a number.
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
			b.atConfirmation(producer, at, kill)
		},
	}
}

// wire is the network as the broker sees it.
type wire struct {
	mu            sync.Mutex
	transactional string // id of the producer that gets no answer
	onAnswer      func() // instead of the answer the connection is cut
}

// cut cuts the connection when the broker next answers the producer that asked to end a transaction, and calls then.
func (w *wire) cut(transactional string, then func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.transactional, w.onAnswer = transactional, then
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
	return &conn{Conn: c, wire: l.wire}, err
}

type conn struct {
	net.Conn
	wire    *wire
	request []byte                 // the part that has been read
	ending  atomic.Pointer[[]byte] // the last request to end a transaction
}

// The positions of a request's key and correlation id. The answer repeats the correlation id after its size.
const sizeEnd, keyEnd, correlationAt, correlationEnd = 4, 6, 8, 12

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.request = append(c.request, b[:n]...)
	if r := c.request; len(r) >= correlationEnd && len(r) == sizeEnd+int(binary.BigEndian.Uint32(r)) {
		if kmsg.Key(binary.BigEndian.Uint16(r[sizeEnd:keyEnd])) == kmsg.EndTxn {
			ending := bytes.Clone(r)
			c.ending.Store(&ending)
		}
		c.request = r[:0]
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	if then := c.instead(b); then != nil {
		then()
		return 0, errors.Join(net.ErrClosed, c.Close())
	}
	return c.Conn.Write(b)
}

// instead is what to do instead of sending an answer. It is nil if the answer is to be sent.
func (c *conn) instead(answer []byte) func() {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	ending, then := c.ending.Load(), c.wire.onAnswer
	if then == nil || ending == nil || !bytes.Contains(*ending, []byte(c.wire.transactional)) ||
		!bytes.Equal(answer[sizeEnd:sizeEnd+4], (*ending)[correlationAt:correlationEnd]) {
		return nil
	}
	c.wire.onAnswer = nil
	return then
}
