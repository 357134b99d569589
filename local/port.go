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

// keptPort is the port that the name had before in this folder, if it is free on host, or else a new free port. With samePorts,
// a port that another program has taken is an error.
func keptPort(config Config, host, name string) (int, error) {
	path, err := config.pathIn("run", name+".port")
	if err != nil {
		return 0, err
	}
	if content, err := os.ReadFile(path); err == nil {
		port, err := strconv.Atoi(strings.TrimSpace(string(content)))
		if err == nil {
			err = portFree(host, port)
		}
		if err == nil {
			return port, nil
		}
		if config.samePorts {
			return 0, fmt.Errorf("another program has taken the port %d of %s, which clients use (%w): end that program", port, name, err)
		}
	}
	port, err := freePort(host)
	if err != nil {
		return 0, err
	}
	return port, replaceFile(path, []byte(strconv.Itoa(port)+"\n"), 0o600)
}

// freePort finds a free port below the range from which systems take the ports of outgoing connections. While a server
// restarts, its port in that range could be taken, even by a client that tries to reach it.
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
