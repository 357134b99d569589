package guest_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"

	"realtime-election/local/localtest/guest"
)

func TestAddressesOfAProcess(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	addresses, err := guest.Addresses(os.Getpid())
	if err != nil || !slices.Contains(addresses, listener.Addr().String()) {
		t.Errorf("got %v, %v, want %s among them", addresses, err, listener.Addr())
	}

	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if addresses, err := guest.Addresses(ended.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a process that has ended: %v, %v, want fs.ErrNotExist", addresses, err)
	}
}
