package peer_test

import (
	"context"
	"net"
	"testing"
	"time"

	"realtime-election/internal/peer"
)

func TestServersOfThisUserAreReached(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		accepted := make(chan net.Conn, 1)
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				t.Error(err)
			}
			accepted <- conn
		}()
		conn, err := peer.Dial(t.Context(), listener.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", address, err)
		} else {
			conn.Close()
		}
		(<-accepted).Close()
	}
}

// TestAServerThatDoesNotAcceptIsNotBelieved has a listener that could accept the connection as any user, later.
func TestAServerThatDoesNotAcceptIsNotBelieved(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := peer.Dial(ctx, listener.Addr().String()); err == nil {
		t.Error("it is reached")
	}
}
