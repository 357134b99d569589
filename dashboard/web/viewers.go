package web

import (
	"net/http"
	"net/netip"
	"sync"
)

// viewers counts the open event streams, in all and by address, and bounds both.
type viewers struct {
	max, maxOfAddress int

	mu        sync.Mutex
	all       int
	ofAddress map[netip.Prefix]int
}

// enter counts a stream in. It returns false, and counts nothing, if there are too many already.
func (v *viewers) enter(from netip.Prefix) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all >= v.max || v.ofAddress[from] >= v.maxOfAddress {
		return false
	}
	v.all++
	v.ofAddress[from]++
	return true
}

func (v *viewers) leave(from netip.Prefix) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all--
	if v.ofAddress[from]--; v.ofAddress[from] == 0 {
		delete(v.ofAddress, from)
	}
}

// addressOf is where a request comes from. Whoever has an IPv6 address has all those of its first 64 bits.
func addressOf(r *http.Request) netip.Prefix {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
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
