package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

// keptPort is the port that the name had before in this folder, while it is free on host, or a new free one.
func keptPort(config Config, host, name string) (int, error) {
	path, err := config.in("run", name+".port")
	if err != nil {
		return 0, err
	}
	if content, err := os.ReadFile(path); err == nil {
		port, err := strconv.Atoi(strings.TrimSpace(string(content)))
		if err == nil && portFree(host, port) == nil {
			return port, nil
		}
	}
	port, err := freePort(host)
	if err != nil {
		return 0, err
	}
	return port, replaceFile(path, []byte(strconv.Itoa(port)+"\n"), 0o600)
}

// freePort finds a free port below the range that systems take the ports of outgoing connections from: a server's port
// in that range can be taken while the server restarts, even by its own client's attempt to reach it.
func freePort(host string) (int, error) {
	const lowest, highest = 18000, 30000
	for range 200 {
		port := lowest + rand.IntN(highest-lowest)
		if portFree(host, port) == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port on %s between %d and %d: none of 200 tried is free", host, lowest, highest)
}

// portFree is nil if a server could listen there now.
func portFree(host string, port int) error {
	if port <= 0 || port > 65535 {
		return errors.New("no such port")
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return listener.Close()
}
