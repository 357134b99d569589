package election

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// BallotKey is the secret from which a voter's ballot follows. Only a person who has it can tell whose a ballot is.
type BallotKey [32]byte

// Fingerprint identifies the key without revealing it: half of the SHA-256 of its 256 random bits, in hexadecimal.
func (k BallotKey) Fingerprint() string {
	sum := sha256.Sum256(k[:])
	return hex.EncodeToString(sum[:16])
}

// For is the key of one election, by what no other election has; see Installation.Key. So the ballots of another election under the
// same key tell nothing about those of this one: not even if anybody can write to its register.
func (k BallotKey) For(election string) BallotKey { return k.mac("election " + election) }

// Draw returns the two halves of the voter's HMAC-SHA-256 under the key of an election. The first is the ballot's id. The second is
// a source of chance for what the voter does, and as secret as the key.
func (k BallotKey) Draw(voter VoterID) (id BallotID, chance [16]byte) {
	sum := k.mac(string(voter))
	return BallotID(sum[:16]), [16]byte(sum[16:])
}

func (k BallotKey) mac(text string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(text))
	return [sha256.Size]byte(mac.Sum(nil))
}
