package election

import (
	"encoding/hex"
	"strings"
	"testing"
)

const (
	drawOfVoter    = "8688cdbc5367787bafb36d07d6a6a1e9bf91403727881d668200643e3f63b538"
	keyFingerprint = "630dcd2966c4336691125448bbb25b4f"
)

func newKey() (k BallotKey) {
	for i := range k {
		k[i] = byte(i)
	}
	return k
}

// TestDrawIsHMAC compares Draw with values that another program has computed:
//
//	printf voter | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
//	printf '\000\001…\037' | sha256sum
func TestDrawIsHMAC(t *testing.T) {
	id, chance := newKey().Draw("voter")
	if got := id.String() + hex.EncodeToString(chance[:]); got != drawOfVoter {
		t.Errorf("drew %s", got)
	}
	if got := newKey().Fingerprint(); got != keyFingerprint {
		t.Errorf("the fingerprint is %s", got)
	}
}

func TestDrawTellsVotersAndKeysApart(t *testing.T) {
	one, chanceOfOne := newKey().Draw("one")
	two, chanceOfTwo := newKey().Draw("two")
	if one == two || chanceOfOne == chanceOfTwo {
		t.Error("two voters draw the same")
	}
	key := newKey()
	key[31]++
	if other, chance := key.Draw("one"); other == one || chance == chanceOfOne {
		t.Error("two keys draw the same")
	}
	if key.Fingerprint() == newKey().Fingerprint() {
		t.Error("two keys have the same fingerprint")
	}
}

func TestFingerprintHasNoPartOfTheKey(t *testing.T) {
	key := newKey()
	digits, fingerprint := hex.EncodeToString(key[:]), key.Fingerprint()
	for i := range len(fingerprint) - 8 {
		if strings.Contains(digits, fingerprint[i:i+8]) {
			t.Errorf("%s is part of the key", fingerprint[i:i+8])
		}
	}
}
