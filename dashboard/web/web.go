// Package web serves the page and its API.
//
//	GET /                  the page: complete without JavaScript, live with it
//	GET /locations         the part of the page that holds the rows of the districts
//	GET /events            server-sent events: "results" (id = version) and "status"
//	GET /api/v1/results    the count as JSON, see [Document]
//	GET /api/v1/locations  the districts, searched, sorted and in pages, see [LocationsDocument]
//	GET /static/…          script, style, ECharts
//	GET /portraits/…       the candidates' portraits, if there are any
//
// Readiness and metrics are those of a [health.Service], which has an address of its own.
//
// Names of candidates stay text: html/template escapes them, JSON has them as strings, the script sets textContent, and a strict
// Content-Security-Policy forbids inline scripts. HEAD is answered for each path of GET, and other methods get 405.
//
// echarts.min.js is Apache ECharts 6.1.0 under the Apache License 2.0 (static/echarts.LICENSE.txt and
// static/echarts.NOTICE.txt), unchanged from the npm package:
//
//	npm pack echarts@6.1.0 && tar -xzOf echarts-6.1.0.tgz package/dist/echarts.min.js
package web

import (
	"cmp"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"realtime-election/dashboard/live"
	"realtime-election/internal/health"
)

//go:embed static
var static embed.FS

// The bounds of the event streams that are open at a time, in all and of one address.
const (
	DefaultMaxViewers          = 5000
	DefaultMaxViewersOfAddress = 200
)

// Site holds the data and settings of the handlers.
type Site struct {
	Hub       *live.Hub
	Portraits Portraits
	Log       *slog.Logger
	Now       func() time.Time
	Health    *health.Service // where the site declares its needs and measures; may be nil

	Names        []string      // under which the site is served, beside its addresses, localhost and the machine's name
	Heartbeat    time.Duration // between comments on a quiet event stream; 0 means 15 s
	WriteTimeout time.Duration // for one event; the connection of a slower browser is ended; 0 means 10 s
	Pace         time.Duration // shortest time between two updates to one browser; 0 means 250 ms

	DownloadTimeout time.Duration // for /api/v1/results, as WriteTimeout; 0 means 30 s

	MaxViewers          int // event streams at a time; 0 means DefaultMaxViewers
	MaxViewersOfAddress int // of one address, or of one IPv6 network of 64 bits; 0 means DefaultMaxViewersOfAddress

	viewers       *room
	searchIndexes *searchIndexes
	documents     *documents
}

// Handler serves the site. Event streams end when the request's context does: derive the server's base context from
// one that is cancelled at shutdown. A health.Service serves one Handler.
func (s Site) Handler() http.Handler {
	s.searchIndexes, s.documents = &searchIndexes{}, &documents{}
	s.viewers = newRoom(cmp.Or(s.MaxViewers, DefaultMaxViewers), cmp.Or(s.MaxViewersOfAddress, DefaultMaxViewersOfAddress))
	s.declareHealth()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /locations", s.locations)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /api/v1/results", s.results)
	mux.HandleFunc("GET /api/v1/locations", s.locationsAPI)
	mux.Handle("GET /static/", cached(http.FileServerFS(files{static})))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/static/icon.svg", http.StatusMovedPermanently)
	})
	if s.Portraits.FS != nil {
		mux.Handle("GET /portraits/", cached(http.StripPrefix("/portraits/", http.FileServerFS(files{s.Portraits.FS}))))
	}
	return secure(s.checkHost(mux))
}

// secure sets the headers that every answer has.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// cached lets browsers keep a file for some minutes. Embedded files have no modification time that a browser could compare.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		next.ServeHTTP(w, r)
	})
}

// files hides directories, so that none is listed.
type files struct{ fs.FS }

// Open opens a file that is no directory.
func (f files) Open(name string) (fs.File, error) {
	info, err := fs.Stat(f.FS, name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f.FS.Open(name)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
