package protocol

import "testing"

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true,
		"192.0.2.1": false, "0.0.0.0": false, "2001:db8::1": false, "localhost.example.org": false, "spark": false,
	} {
		if got := (&Target{host: host}).loopback(); got != want {
			t.Errorf("%s: loopback is %v", host, got)
		}
	}
}
