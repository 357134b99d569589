//go:build linux

// Package peertest listens as another user of the machine would, for tests that root runs.
package peertest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// User is the number of a user who runs nothing.
const User = 65533

// Listener is a server of another user. It accepts all connections, and keeps what comes.
type Listener struct {
	Address string // host:port
	net.Listener

	mu    sync.Mutex
	heard []*bytes.Buffer // of each connection
}

// Listen listens as another user, until the test ends. It answers the first that comes on a connection with what answer returns;
// answer may be nil.
func Listen(t testing.TB, address string, answer func(asked []byte) string) *Listener {
	t.Helper()
	l, err := TryListen(address, answer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TryListen is Listen. The error is that of the port. The caller closes the listener.
func TryListen(address string, answer func(asked []byte) string) (*Listener, error) {
	l := &Listener{}
	listening := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine, which does not unlock it
		if _, _, failed := syscall.RawSyscall(syscall.SYS_SETRESUID, User, User, User); failed != 0 {
			listening <- errors.Join(errors.New("become another user, which root can"), failed)
			return
		}
		var err error
		l.Listener, err = net.Listen("tcp", address)
		listening <- err
		for err == nil {
			var conn net.Conn
			if conn, err = l.Accept(); err == nil {
				go l.hear(conn, answer)
			}
		}
	}()
	if err := <-listening; err != nil {
		return nil, err
	}
	l.Address = l.Addr().String()
	return l, nil
}

func (l *Listener) hear(conn net.Conn, answer func(asked []byte) string) {
	defer conn.Close()
	heard := &bytes.Buffer{}
	l.mu.Lock()
	l.heard = append(l.heard, heard)
	l.mu.Unlock()
	buffer := make([]byte, 64<<10)
	for first := true; ; first = false {
		n, err := conn.Read(buffer)
		l.mu.Lock()
		heard.Write(buffer[:n])
		l.mu.Unlock()
		if first && n > 0 && answer != nil {
			_, _ = io.Copy(conn, strings.NewReader(answer(buffer[:n]))) // the other side may hang up
		}
		if err != nil {
			return
		}
	}
}

// Heard is what was sent to the listener on each connection on which anything was.
func (l *Listener) Heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, heard := range l.heard {
		if heard.Len() > 0 {
			all = append(all, heard.String())
		}
	}
	return all
}
