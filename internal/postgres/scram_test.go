package postgres

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestVerifierOfRFC7677 takes the password and salt of that document's example.
func TestVerifierOfRFC7677(t *testing.T) {
	salt, err := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	if err != nil {
		t.Fatal(err)
	}
	const want = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
	if got := verifierOf("pencil", salt); got != want {
		t.Errorf("the verifier is %s", got)
	}
	if one, other := verifier("pencil"), verifier("pencil"); one == other || strings.Contains(one, "pencil") {
		t.Errorf("two verifiers of a password are %s and %s", one, other)
	}
}
