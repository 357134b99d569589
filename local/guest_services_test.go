//go:build services

package local

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"realtime-election/local/localtest/guest"
)

func TestSparkReadsNoObjectOfAGuest(t *testing.T) {
	spark := startServer(t, Config{Data: newData(t), SparkMemory: "1g"}, StartSpark)
	addresses, err := guest.Addresses(spark.PID())
	if err != nil {
		t.Fatal(err)
	}
	if len(addresses) < 3 {
		t.Fatalf("Spark listens on %v, want Connect, the driver and its block manager", addresses)
	}
	for _, address := range addresses {
		answer, read, err := guest.Call(t.Context(), address)
		if err != nil {
			t.Error(err)
		}
		if read {
			t.Errorf("%s has read a guest's object", address)
		}
		t.Logf("%s says\n%s", address, answer)
	}
	for _, address := range addresses {
		if sent := sendFrame(t, address); sent > 600 {
			t.Errorf("%s has taken %d MiB from a guest", address, sent)
		}
	}
}

// sendFrame begins a frame of 2 GiB, and returns how many MiB of it are taken, of 800.
func sendFrame(t *testing.T, address string) (sent int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(binary.BigEndian.AppendUint64(nil, 1<<31-1)); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for ; sent < 800; sent++ {
		if err := conn.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(block); err != nil {
			break // Spark has closed the connection
		}
	}
	return sent
}
