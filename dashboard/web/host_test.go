package web_test

import (
	"net/http"
	"os"
	"testing"

	"realtime-election/dashboard/web"
)

func TestOtherNamesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Site{Names: []string{"results.example.org"}}, counted())
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"127.0.0.1:8080": http.StatusOK, "192.0.2.7": http.StatusOK, "[::1]:8080": http.StatusOK, "[2001:db8::1]": http.StatusOK,
		"localhost:8080": http.StatusOK, "LOCALHOST": http.StatusOK, machine + ":8080": http.StatusOK, "results.example.org": http.StatusOK, "Results.Example.Org:443": http.StatusOK,
		"attacker.example": http.StatusMisdirectedRequest, "attacker.example:8080": http.StatusMisdirectedRequest,
		"127.0.0.1.attacker.example": http.StatusMisdirectedRequest, "results.example.org.attacker.example": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/api/v1/results", "/static/app.js"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			response, err := s.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s of %s: status %d, want %d", path, host, response.StatusCode, want)
			}
		}
	}
}
