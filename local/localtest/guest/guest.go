// Package guest is a client without Spark's secret, for tests on Linux. It speaks the protocol of Spark's internal
// ports, on which the parts of an application exchange Java objects.
//
//	addresses, err := guest.Addresses(pid)
//	for _, address := range addresses {
//		answer, read, err := guest.Call(ctx, address)
//		…
//	}
package guest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"realtime-election/internal/peer"
)

// class names a class that no server has. A server that reads an object of this class answers that it cannot find it.
const class = "nowhere.GuestsObject"

// object is a Java object of that class, serialized.
func object() []byte {
	const start, newObject, newClass, end, noParent = "\xac\xed\x00\x05", "\x73", "\x72", "\x78", "\x70"
	const version, serializable, noFields = "\x00\x00\x00\x00\x00\x00\x00\x01", "\x02", "\x00\x00"
	return []byte(start + newObject + newClass + "\x00" + string(rune(len(class))) + class + version + serializable + noFields + end + noParent)
}

// message sends the object to an endpoint that every Spark process has.
func message() []byte {
	const noSender, noAddress, endpoint = "\x00", "\x00", "endpoint-verifier"
	return append([]byte(noSender+noAddress+"\x00"+string(rune(len(endpoint)))+endpoint), object()...)
}

// upload sends a block whose description is the object.
func upload() []byte {
	const uploadBlock = 1
	body := []byte{uploadBlock}
	for _, field := range []string{"app", "executor", "rdd_0_0", string(object()), "block"} {
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(field))), field...)
	}
	return body
}

// frame makes a request of a body.
func frame(body []byte) []byte {
	const rpcRequest, requestID, head = 3, 1, 8 + 1 + 8 + 4
	request := binary.BigEndian.AppendUint64(nil, uint64(head+len(body)))
	request = binary.BigEndian.AppendUint64(append(request, rpcRequest), requestID)
	return append(binary.BigEndian.AppendUint32(request, uint32(len(body))), body...)
}

// answerTimeout is how long the server may take to answer. A server with another protocol may never answer.
const answerTimeout = 5 * time.Second

// Call sends the server a message and a block, each with a Java object, and each over another connection. It returns
// the server's answers, and whether it has read an object. It is no error if the server speaks another protocol.
func Call(ctx context.Context, address string) (answers string, read bool, err error) {
	for _, body := range [][]byte{message(), upload()} {
		answer, err := ask(ctx, address, frame(body))
		if err != nil {
			return "", false, err
		}
		read = read || bytes.Contains(answer, []byte(class))
		answers += fmt.Sprintf("%.300q\n", answer)
	}
	return answers, read, nil
}

func ask(ctx context.Context, address string, request []byte) ([]byte, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", address, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, fmt.Errorf("set a deadline: %w", err)
	}
	if _, err := conn.Write(request); err != nil {
		return nil, fmt.Errorf("call %s: %w", address, err)
	}
	// It reads the first frame, or as much as comes until the server closes the connection or the time is over.
	var answer [64 << 10]byte
	n, _ := io.ReadFull(conn, answer[:8])
	if n == 8 {
		size := binary.BigEndian.Uint64(answer[:8])
		more, _ := io.ReadFull(conn, answer[8:max(8, min(size, uint64(len(answer))))])
		n += more
	}
	return answer[:n], nil
}

// Addresses are the addresses, host:port, on which the process listens for TCP connections. The error is fs.ErrNotExist
// if the process has ended.
func Addresses(pid int) ([]string, error) {
	found, err := listening(pid)
	if _, ended := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil && ended != nil {
		return nil, ended
	}
	return found, err
}

func listening(pid int) ([]string, error) {
	own, err := sockets(pid)
	if err != nil {
		return nil, err
	}
	all, err := peer.Sockets(strconv.Itoa(pid))
	var addresses []string
	for _, socket := range all {
		if socket.Listening && slices.Contains(own, "socket:["+socket.Inode+"]") {
			addresses = append(addresses, socket.Local.String())
		}
	}
	return addresses, err
}

// sockets are the sockets that the process has open, as the links in /proc name them.
func sockets(pid int) ([]string, error) {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("list what process %d has open: %w", pid, err)
	}
	var found []string
	for _, file := range files {
		target, err := os.Readlink(filepath.Join(folder, file.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // closed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list what process %d has open: %w", pid, err)
		}
		found = append(found, target)
	}
	return found, nil
}
