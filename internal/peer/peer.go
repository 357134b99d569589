// Package peer connects to servers of this machine that must belong to this process's user. Any user of a machine can listen on
// a port that is free, and be taken for a server that was to listen there.
//
//	conn, err := peer.Dial(ctx, "127.0.0.1:15002")
package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// ErrOfAnother is the error where the server belongs to another user.
var ErrOfAnother = errors.New("another user of this machine listens there")

// acceptWithin is how long the server may take to accept a connection.
const acceptWithin = 5 * time.Second

// Dial connects to a server of this machine by TCP. It is an error, and nothing is sent, unless the server belongs to this
// process's user. On Linux the kernel tells. On other systems Dial connects to anybody.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", address, err)
	}
	ctx, cancel := context.WithTimeout(ctx, acceptWithin)
	defer cancel()
	if err := check(ctx, conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("reach %s: %w", address, err)
	}
	return conn, nil
}
