package web

import (
	"cmp"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// How many connections may be open at a time, for each event stream that may be. A browser opens up to six while it loads the
// page, and keeps one; the viewers of one address may load it at the same moment, such as those of a school.
const (
	connectionsOfViewer          = 2
	connectionsOfAddressOfViewer = 6
)

// sendBuffer bounds what the kernel keeps for a browser that does not read. Linux doubles it.
const sendBuffer = 32 << 10

// Door is a listener that lets connections in as long as there is room, in all and for their address, and ends others at once. It
// speaks TLS with a certificate; nil means that the page is served without.
//
// TLS is for HTTP/1.1 only, since the write deadlines of HTTP/2 do not end the connection of a browser that does not read.
func (s Site) Door(listener net.Listener, certificate *Certificate) net.Listener {
	d := &door{Listener: listener, room: newRoom(
		connectionsOfViewer*cmp.Or(s.MaxViewers, DefaultMaxViewers), connectionsOfAddressOfViewer*cmp.Or(s.MaxViewersOfAddress, DefaultMaxViewersOfAddress),
	)}
	if certificate == nil {
		d.refusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 15\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
		return d
	}
	return tls.NewListener(d, &tls.Config{GetCertificate: certificate.get, NextProtos: []string{"http/1.1"}})
}

type door struct {
	net.Listener
	room    *room
	refusal string // what a connection hears for which there is no room
}

// Accept waits for a connection that there is room for.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(conn.RemoteAddr().String())
		if d.room.enter(from) {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetWriteBuffer(sendBuffer) // the connection also works without
			}
			return &visit{conn, sync.OnceFunc(func() { d.room.leave(from) })}, nil
		}
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // a new connection has room for these bytes
		_, _ = io.WriteString(conn, d.refusal)
		_ = conn.Close()
	}
}

// visit is a connection that leaves the room when it is closed.
type visit struct {
	net.Conn
	leave func()
}

func (v *visit) Close() error {
	defer v.leave()
	return v.Conn.Close()
}

// CloseWrite is what http.Server calls so that its last answer arrives before the connection ends.
func (v *visit) CloseWrite() error {
	if half, ok := v.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
