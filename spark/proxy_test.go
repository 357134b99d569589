//go:build services

package spark_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cutter is a TCP proxy that cuts all its connections again and again, wherever they are in a message.
type cutter struct {
	listener net.Listener
	server   *url.URL
	cuts     atomic.Int64 // connections cut

	mu    sync.Mutex
	conns []net.Conn
}

// newCutter starts a proxy to a connection string's server; it ends with the test.
func newCutter(t *testing.T, server string, every time.Duration) *cutter {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: listener, server: target}
	var running sync.WaitGroup
	done := make(chan struct{})
	running.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.cut()
			case <-done:
				return
			}
		}
	})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.pass(conn) })
		}
	})
	t.Cleanup(func() {
		close(done)
		listener.Close()
		c.cut()
		running.Wait()
	})
	return c
}

// url is the server's connection string with the proxy's address in it.
func (c *cutter) url(t *testing.T) string {
	t.Helper()
	through := *c.server
	through.Host = c.listener.Addr().String()
	return through.String()
}

// cut closes every connection with a reset, so that nothing in flight arrives.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	c.cuts.Add(int64(len(c.conns) / 2))
	c.conns = nil
}

func (c *cutter) pass(client net.Conn) {
	server, err := net.Dial("tcp", c.server.Host)
	if err != nil {
		client.Close()
		return
	}
	c.mu.Lock()
	c.conns = append(c.conns, client, server)
	c.mu.Unlock()
	var copying sync.WaitGroup
	copying.Go(func() { io.Copy(server, client); server.Close() })
	copying.Go(func() { io.Copy(client, server); client.Close() })
	copying.Wait()
}
