package web

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// checkHost refuses requests for other names than those of the site. A page of another site cannot read this one then by giving
// its own name the address of this machine (DNS rebinding). Addresses, localhost and the machine's name are always accepted.
func (s Site) checkHost(next http.Handler) http.Handler {
	names := append([]string{"localhost"}, s.Names...)
	if machine, err := os.Hostname(); err == nil {
		names = append(names, machine)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		known := err == nil || host == "" || slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) })
		if !known {
			plain(w, http.StatusMisdirectedRequest, "This page is not served under that name. Whoever runs it can add the name to its setting names.\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}
