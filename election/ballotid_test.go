package election

import (
	"strings"
	"testing"
)

func TestBallotIDIsOf32LowerCaseHexadecimalDigits(t *testing.T) {
	const good = "00112233445566778899aabbccddeeff"
	for _, id := range []string{good[:31], good + "0", good[:30], good + "00", "g" + good[1:], "/" + good[1:], ":" + good[1:], "`" + good[1:]} {
		if _, ok := ParseVote([]byte(strings.Replace(goodVote, good, id, 1))); ok {
			t.Errorf("%q is read as a ballot's id", id)
		}
	}
}
