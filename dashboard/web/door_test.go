package web_test

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"realtime-election/dashboard/web"
)

// street is a listener whose connections are pipes that come from any address.
type street struct {
	net.Listener
	arriving chan net.Conn
}

func (s street) Accept() (net.Conn, error) {
	if conn, ok := <-s.arriving; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

type arrival struct {
	net.Conn
	from net.Addr
}

func (a arrival) RemoteAddr() net.Addr { return a.from }

// entrance is a door, and what it lets in.
type entrance struct {
	street
	admitted chan net.Conn
}

func newEntrance(t *testing.T, door func(net.Listener) net.Listener) entrance {
	t.Helper()
	e := entrance{street{arriving: make(chan net.Conn)}, make(chan net.Conn)}
	t.Cleanup(func() { close(e.arriving) })
	listener := door(e.street)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			select {
			case e.admitted <- conn:
			case <-t.Context().Done():
			}
		}
	}()
	return e
}

// arrive opens a connection. It returns the connection if it was let in, and otherwise what was said.
func (e entrance) arrive(t *testing.T, address string) (in net.Conn, said string) {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	e.arriving <- arrival{server, &net.TCPAddr{IP: net.ParseIP(address), Port: 1}}
	heard := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(client)
		heard <- string(text)
	}()
	select {
	case in = <-e.admitted:
	case said = <-heard:
	}
	return in, said
}

// TestTooManyConnectionsAreRefused opens as many connections as one address may have, and as many as there may be in all.
func TestTooManyConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits              web.Site
		room                int
		first, more, others string // addresses
		othersMayIn         bool
	}{
		"of an address":      {web.Site{MaxViewers: 9, MaxViewersOfAddress: 1}, 6, "192.0.2.7", "192.0.2.7", "192.0.2.8", true},
		"of an IPv6 network": {web.Site{MaxViewers: 9, MaxViewersOfAddress: 1}, 6, "2001:db8::1", "2001:db8::2:0:0:7", "2001:db8:0:1::1", true},
		"in all":             {web.Site{MaxViewers: 3, MaxViewersOfAddress: 9}, 6, "192.0.2.7", "192.0.2.7", "192.0.2.8", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t, func(l net.Listener) net.Listener { return c.limits.Door(l, nil) })
			var last net.Conn
			for i := range c.room {
				if last, _ = e.arrive(t, c.first); last == nil {
					t.Fatalf("connection %d of %d was refused", i+1, c.room)
				}
			}
			if in, said := e.arrive(t, c.more); in != nil || !strings.HasPrefix(said, "HTTP/1.1 503 ") {
				t.Errorf("one more: let in %t, said %q", in != nil, said)
			}
			if in, _ := e.arrive(t, c.others); (in != nil) != c.othersMayIn {
				t.Errorf("one of another address: let in %t", in != nil)
			}
			last.Close()
			last.Close() // as http.Server may
			if in, said := e.arrive(t, c.more); in == nil {
				t.Errorf("after one has left: refused, %q", said)
			}
			if in, _ := e.arrive(t, c.more); in != nil {
				t.Error("one has left, and two were let in")
			}
		})
	}
}

// TestBrowserThatDoesNotReadCostsLittle asks the kernel how much it may keep for a browser.
func TestBrowserThatDoesNotReadCostsLittle(t *testing.T) {
	t.Parallel()
	_, _, inside := connect(t)
	raw, err := inside.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var size int
	var asked error
	err = raw.Control(func(fd uintptr) { size, asked = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF) })
	if err != nil || asked != nil || size > 64<<10 {
		t.Errorf("the kernel keeps up to %d bytes, %v, %v", size, err, asked)
	}
}

// TestServerCanEndItsHalf checks that the server can say that nothing follows, and read on, so that a refusal is not lost.
func TestServerCanEndItsHalf(t *testing.T) {
	t.Parallel()
	browser, conn, _ := connect(t)
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		t.Fatal("it cannot")
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	browser.SetReadDeadline(time.Now().Add(testTimeout))
	if n, err := browser.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the browser reads %d bytes, %v", n, err)
	}
}

// connect opens a connection through a door: its two ends, and what is inside the server's.
func connect(t *testing.T) (browser, server net.Conn, inside *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if browser, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { browser.Close() })
	recorded := &recorder{Listener: listener}
	if server, err = (web.Site{}).Door(recorded, nil).Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return browser, server, recorded.last.(*net.TCPConn)
}

// recorder is a listener that keeps what it accepts.
type recorder struct {
	net.Listener
	last net.Conn
}

func (r *recorder) Accept() (conn net.Conn, err error) {
	r.last, err = r.Listener.Accept()
	return r.last, err
}
