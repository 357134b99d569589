package dashboard

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowConnectionsAreEnded measures by a clock that does not wait how long a connection may keep the server busy with nothing.
func TestSlowConnectionsAreEnded(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, c := range map[string]struct {
		sends func(net.Conn)
		most  time.Duration
	}{
		"no request": {func(net.Conn) {}, 5 * time.Second},
		"a request byte by byte": {func(conn net.Conn) {
			for i := range request {
				if _, err := io.WriteString(conn, request[i:i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, 6 * time.Second},
		"a body byte by byte": {func(conn net.Conn) {
			_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n")
			for err == nil {
				time.Sleep(time.Second)
				_, err = conn.Write([]byte{'x'})
			}
		}, 11 * time.Second},
		"one request": {func(conn net.Conn) { io.WriteString(conn, request) }, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				listener := pipes{make(chan net.Conn), make(chan struct{})}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				answer := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
				go func() { ended <- serve(ctx, listener, answer, slog.New(slog.DiscardHandler)) }()
				conn, accepted := net.Pipe()
				listener.accepted <- accepted
				begin := time.Now()
				var sending sync.WaitGroup
				sending.Go(func() { c.sends(conn) })
				conn.SetReadDeadline(begin.Add(time.Hour))
				io.Copy(io.Discard, conn)
				if waited := time.Since(begin); waited > c.most {
					t.Errorf("it was ended after %v, want %v at most", waited, c.most)
				}
				conn.Close()
				sending.Wait()
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
