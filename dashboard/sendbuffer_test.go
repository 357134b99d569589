package dashboard

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
)

// recorder is a listener that keeps what it accepts.
type recorder struct {
	net.Listener
	accepted chan net.Conn
}

func (r recorder) Accept() (net.Conn, error) {
	conn, err := r.Listener.Accept()
	if err == nil {
		r.accepted <- conn
	}
	return conn, err
}

// TestBrowserThatDoesNotReadCostsLittle asks the kernel how much it may keep for a browser.
func TestBrowserThatDoesNotReadCostsLittle(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := recorder{listener, make(chan net.Conn, 1)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	go func() { ended <- serve(ctx, r, answer, slog.New(slog.DiscardHandler)) }()
	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	raw, err := (<-r.accepted).(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var size int
	var asked error
	err = raw.Control(func(fd uintptr) { size, asked = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF) })
	if err != nil || asked != nil || size > 2*sendBuffer {
		t.Errorf("the kernel keeps up to %d bytes, %v, %v", size, err, asked)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
