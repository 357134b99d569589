package web_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"realtime-election/dashboard/live"
	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/results"
)

// large is a count of districts with 50 candidates. The document of 6,000 districts has 10 MB, more than the buffers of a
// connection hold.
func large(districts int) *results.Snapshot {
	d := &election.Definition{ID: "large", Name: "Large", Regions: []election.Region{{ID: "r", Name: "R"}}}
	s := &results.Snapshot{Definition: d, Run: 1, NewestRecordAt: noon, UpdatedAt: noon}
	for c := range 50 {
		d.Candidates = append(d.Candidates, election.Candidate{ID: election.CandidateID(fmt.Sprintf("candidate-with-a-long-id-%03d", c))})
		s.Candidates = append(s.Candidates, results.CandidateVotes{Candidate: &d.Candidates[c], Votes: int64(c)})
	}
	random := rand.New(rand.NewPCG(7, 7))
	s.Regions = []results.RegionVotes{{Region: &d.Regions[0], ByCandidate: make([]int64, len(d.Candidates))}}
	for i := range districts {
		votes := make([]int64, len(d.Candidates))
		for c := range votes {
			votes[c] = random.Int64N(5000)
		}
		district := &election.District{ID: election.DistrictID(fmt.Sprint(i))}
		s.Districts = append(s.Districts, results.DistrictVotes{
			DistrictIn: election.DistrictIn{District: district, Region: &d.Regions[0]}, ByCandidate: votes,
		})
	}
	return s
}

// open asks for path and reads only the first bytes of the answer, so that the server cannot send the rest.
func open(t *testing.T, server *httptest.Server, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: "+server.Listener.Addr().String()+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, len("HTTP/1.1 200 OK"))
	if _, err := io.ReadFull(c, status); err != nil || string(status) != "HTTP/1.1 200 OK" {
		t.Fatalf("%q, %v", status, err)
	}
	return c
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// TestReadersShareOneDocument asks for one version many times, by quick and by slow readers.
func TestReadersShareOneDocument(t *testing.T) {
	s := newSite(t, large(6000))
	plain := []string{"Accept-Encoding", "identity"}
	_, body := s.do(t, "GET", "/api/v1/results", plain...)
	size := uint64(len(body))
	download := func() {
		request, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/api/v1/results", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(plain[0], plain[1])
		response, err := s.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if n, err := io.Copy(io.Discard, response.Body); err != nil || uint64(n) != size {
			t.Fatalf("%d bytes, want %d: %v", n, size, err)
		}
	}
	before := memory()
	for range 10 {
		download()
	}
	if got := memory().TotalAlloc - before.TotalAlloc; got > size {
		t.Errorf("10 requests of a version allocate %d KiB; its document has %d", got>>10, size>>10)
	}
	before = memory()
	for range 20 {
		open(t, s.Server, "/api/v1/results")
	}
	if got := int64(memory().HeapAlloc) - int64(before.HeapAlloc); got > int64(size) {
		t.Errorf("20 slow readers hold %d KiB; the document has %d", got>>10, size>>10)
	}
}

func TestSlowReaderOfTheDocumentIsCutOff(t *testing.T) {
	hub := live.NewHub(web.Portraits{}.Event, time.Now)
	hub.Publish(large(6000))
	ended := make(chan struct{})
	handler := web.Site{Hub: hub, DownloadTimeout: 50 * time.Millisecond}.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
		close(ended)
	}))
	t.Cleanup(server.Close)
	open(t, server, "/api/v1/results")
	select {
	case <-ended:
	case <-time.After(testTimeout):
		t.Error("the slow reader is still served")
	}
}

func TestDocumentIsCompressedForWhoeverTakesThat(t *testing.T) {
	s := newSite(t, large(200))
	_, plain := s.do(t, "GET", "/api/v1/results", "Accept-Encoding", "identity")
	for accepts, zipped := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "br": false, "gzip; q=0.000, br": false,
	} {
		response, body := s.do(t, "GET", "/api/v1/results", "Accept-Encoding", accepts)
		if got := response.Header.Get("Content-Encoding") == "gzip"; got != zipped || response.ContentLength != int64(len(body)) {
			t.Errorf("%s: gzip %v, want %v; Content-Length %d, %d bytes came", accepts, got, zipped, response.ContentLength, len(body))
			continue
		}
		if zipped {
			if len(body) > len(plain)/5 {
				t.Errorf("%s: %d bytes instead of %d", accepts, len(body), len(plain))
			}
			r, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Errorf("%s: %v", accepts, err)
			}
			body = string(text)
		}
		if body != plain {
			t.Errorf("%s: another document than without compression", accepts)
		}
		if response.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: Vary %q", accepts, response.Header.Get("Vary"))
		}
	}
}

func TestAgeIsOfTheMoment(t *testing.T) {
	now := noon.Add(5 * time.Second)
	hub := live.NewHub(web.Portraits{}.Event, func() time.Time { return now })
	hub.Publish(counted())
	server := httptest.NewServer(web.Site{Hub: hub}.Handler())
	t.Cleanup(server.Close)
	for _, want := range []float64{5, 8.5} {
		now = noon.Add(time.Duration(want * float64(time.Second)))
		var d web.Document
		decode(t, site{server, hub}, &d)
		if d.AgeSeconds == nil || *d.AgeSeconds != want || d.Version != 1 {
			t.Errorf("age %v of version %d, want %v", d.AgeSeconds, d.Version, want)
		}
	}
}

// BenchmarkLargeElection measures answers in an election of 10,000 districts and 50 candidates: the first answer of a version,
// and the next ones.
func BenchmarkLargeElection(b *testing.B) {
	hub := live.NewHub(web.Portraits{}.Event, time.Now)
	snapshot := large(10_000)
	server := httptest.NewServer(web.Site{Hub: hub, Now: time.Now}.Handler())
	b.Cleanup(server.Close)
	get := func(b *testing.B, path, encoding string) {
		request, err := http.NewRequestWithContext(b.Context(), "GET", server.URL+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", encoding)
		response, err := server.Client().Do(request)
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		n, err := io.Copy(io.Discard, response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatalf("%s: %d, %v", path, response.StatusCode, err)
		}
		b.ReportMetric(float64(n)/1e6, "MB/answer")
	}
	for _, request := range [][2]string{{"/api/v1/results", "identity"}, {"/api/v1/results", "gzip"}, {"/", "identity"}, {"/locations", "identity"}} {
		name := strings.ReplaceAll(request[0][1:], "/", "-") + "-" + request[1]
		b.Run(name+"/first", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				hub.Publish(snapshot)
				get(b, request[0], request[1])
			}
		})
		b.Run(name+"/next", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				get(b, request[0], request[1])
			}
		})
	}
}
