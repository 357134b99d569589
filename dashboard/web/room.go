package web

import (
	"net/netip"
	"sync"
)

// room counts what is open at a time, event streams or connections, in all and by address, and bounds both.
type room struct {
	max, maxOfAddress int

	mu        sync.Mutex
	all       int
	ofAddress map[netip.Prefix]int
}

func newRoom(max, maxOfAddress int) *room {
	return &room{max: max, maxOfAddress: maxOfAddress, ofAddress: make(map[netip.Prefix]int)}
}

// enter counts one in. It returns false, and counts nothing, if there are too many already.
func (r *room) enter(from netip.Prefix) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= r.max || r.ofAddress[from] >= r.maxOfAddress {
		return false
	}
	r.all++
	r.ofAddress[from]++
	return true
}

func (r *room) leave(from netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.ofAddress[from]--; r.ofAddress[from] == 0 {
		delete(r.ofAddress, from)
	}
}

// addressOf is where a connection comes from. Whoever has an IPv6 address has all those of its first 64 bits.
func addressOf(remote string) netip.Prefix {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address := from.Addr().Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits) // the number of bits is that of the address, or less
	return prefix
}
