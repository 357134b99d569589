//go:build attack

package peer_test

import (
	"errors"
	"testing"

	"realtime-election/internal/peer"
	"realtime-election/internal/peer/peertest"
)

func TestAttackByListeningAsAnotherUser(t *testing.T) {
	stranger := peertest.Listen(t, "127.0.0.1:0", nil)
	if _, err := peer.Dial(t.Context(), stranger.Address); !errors.Is(err, peer.ErrOfAnother) {
		t.Errorf("a server of another user: %v", err)
	}
	if heard := stranger.Heard(); len(heard) > 0 {
		t.Errorf("it has heard %q", heard)
	}
}
