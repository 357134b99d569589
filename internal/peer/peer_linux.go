package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// check is an error unless the other end of a connection belongs to this process's user.
func check(ctx context.Context, conn net.Conn) error {
	own, other := addrPort(conn.LocalAddr()), addrPort(conn.RemoteAddr())
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		user, found, err := owner(other, own)
		switch {
		case err != nil:
			return fmt.Errorf("ask who listens: %w", err)
		case found && user == os.Geteuid():
			return nil
		case found:
			return fmt.Errorf("%w: the user %d", ErrOfAnother, user)
		}
		select {
		case <-ctx.Done():
			return errors.New("the server has not accepted the connection, or is not of this machine")
		case <-tick.C:
		}
	}
}

// owner is the user whose socket is at local, connected to remote. The kernel knows none before the server has accepted the
// connection.
func owner(local, remote netip.AddrPort) (user int, found bool, err error) {
	sockets, err := Sockets("self")
	for _, s := range sockets {
		if s.Local == local && s.Remote == remote && s.Inode != "0" {
			return s.User, true, nil
		}
	}
	return 0, false, err
}

func addrPort(addr net.Addr) netip.AddrPort {
	tcp := addr.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(tcp.Addr().Unmap(), tcp.Port())
}
