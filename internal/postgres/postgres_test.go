package postgres_test

import (
	"strings"
	"testing"

	"realtime-election/internal/postgres"
)

func TestErrorHasNoPassword(t *testing.T) {
	for _, url := range []string{
		"postgres://election:hunter2@127.0.0.1:1/election?connect_timeout=1",
		"postgres://election:hunter2@127.0.0.1:port/election",
		"host=127.0.0.1 port=1 user=election password=hunter2 connect_timeout=1 sslmode=wrong",
	} {
		_, err := postgres.Connect(t.Context(), url)
		if err == nil || !strings.HasPrefix(err.Error(), "connect to PostgreSQL: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ended with %v", err)
		}
	}
}
