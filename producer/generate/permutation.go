// Package generate computes the records that the producers send. It is pure: the same seed gives the same records. Each
// record is computed from its serial number alone, so a producer can resume anywhere without remembering anything.
package generate

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Permutation is a keyed shuffle of the numbers below a size, computed without a table: a Feistel network over the next
// even power of two, applied until the result is below the size.
type Permutation struct {
	size uint64
	half uint // bits of each half
	keys [6]uint64
}

// NewPermutation makes the shuffle of a seed. size is at least 1.
func NewPermutation(size, seed uint64) Permutation {
	p := Permutation{size: size, half: uint(bits.Len64(size-1)+1) / 2}
	for i := range p.keys {
		p.keys[i] = derive(seed, "permutation", uint64(i))
	}
	return p
}

// At is the number at index i of the shuffle.
func (p Permutation) At(i uint64) uint64 {
	mask := uint64(1)<<p.half - 1
	for {
		left, right := i>>p.half, i&mask
		for _, key := range p.keys {
			left, right = right, left^(mix(right+key)&mask)
		}
		if i = left<<p.half | right; i < p.size {
			return i
		}
	}
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// derive computes a number from the seed, another one for each purpose and n.
func derive(seed uint64, purpose string, n uint64) uint64 {
	sum := deriveKey(seed, purpose, n)
	return binary.BigEndian.Uint64(sum[:])
}

func deriveKey(seed uint64, purpose string, n uint64) [sha256.Size]byte {
	text := binary.BigEndian.AppendUint64(nil, seed)
	text = binary.BigEndian.AppendUint64(text, n)
	return sha256.Sum256(append(text, purpose...))
}
