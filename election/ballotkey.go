package election

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// BallotKey is the secret that turns a voter into a ballot. A person who has it can tell whose a ballot is; nobody else can.
type BallotKey [32]byte

// Fingerprint identifies the key and does not betray it: half of the SHA-256 of its 256 random bits, in hexadecimal.
func (k BallotKey) Fingerprint() string {
	sum := sha256.Sum256(k[:])
	return hex.EncodeToString(sum[:16])
}

// Draw is the voter's HMAC-SHA-256 under the key: the first 16 bytes are the ballot's id, the others are chance for what
// the voter does, as secret as the key.
func (k BallotKey) Draw(voter VoterID) (id BallotID, chance [16]byte) {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(voter))
	sum := mac.Sum(nil)
	return BallotID(sum[:16]), [16]byte(sum[16:])
}
