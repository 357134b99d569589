package peer

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Socket is a TCP socket, as the kernel lists it.
type Socket struct {
	Local, Remote netip.AddrPort // of IPv4 also where the socket is of IPv6
	Listening     bool
	User          int    // whose it is; 0 also while nobody has accepted the connection
	Inode         string // its number in /proc/PID/fd; "0" while nobody has accepted the connection
}

// Sockets are the TCP sockets in the network of a process, by its number or "self". Only Linux lists them.
func Sockets(process string) ([]Socket, error) {
	var all []Socket
	for _, table := range []string{"tcp", "tcp6"} {
		path := "/proc/" + process + "/net/" + table
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && table == "tcp6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("list the sockets: %w", err)
		}
		_, lines, _ := strings.Cut(string(content), "\n") // of headings
		for line := range strings.Lines(lines) {
			socket, err := parse(strings.Fields(line))
			if err != nil {
				return nil, fmt.Errorf("list the sockets: %s: %q: %w", path, line, err)
			}
			all = append(all, socket)
		}
	}
	return all, nil
}

// parse reads a line of /proc/net/tcp, which proc(5) describes.
func parse(fields []string) (s Socket, err error) {
	const local, remote, state, user, inode = 1, 2, 3, 7, 9
	if len(fields) <= inode {
		return s, errors.New("it has too few fields")
	}
	s.Listening, s.Inode = fields[state] == "0A", fields[inode]
	var wrong [3]error
	s.Local, wrong[0] = parseAddress(fields[local])
	s.Remote, wrong[1] = parseAddress(fields[remote])
	s.User, wrong[2] = strconv.Atoi(fields[user])
	return s, errors.Join(wrong[:]...)
}

// parseAddress reads an address and a port. The kernel writes each word of the address in this machine's byte order.
func parseAddress(text string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(text, ":")
	ip, err := hex.DecodeString(host)
	number, wrong := strconv.ParseUint(port, 16, 16)
	for word := range slices.Chunk(ip, 4) {
		if len(word) == 4 {
			binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
		}
	}
	address, ok := netip.AddrFromSlice(ip)
	if err = errors.Join(err, wrong); err == nil && !ok {
		err = errors.New("it is no address")
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(number)), err
}
