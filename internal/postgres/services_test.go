//go:build services

package postgres_test

import (
	"context"
	"testing"

	"golang.org/x/sync/errgroup"

	"realtime-election/internal/postgres"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

func TestSeveralMayMigrateAtOnce(t *testing.T) {
	url := localtest.PostgreSQL(t)
	g, ctx := errgroup.WithContext(t.Context())
	for range 4 {
		g.Go(func() error {
			conn, err := postgres.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx))
			return postgres.Migrate(ctx, conn)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	conn, err := postgres.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := postgres.Migrate(t.Context(), conn); err != nil {
		t.Error("once more: ", err)
	}
	var tables int
	const query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name IN ('candidates', 'regions', 'districts')"
	if err := conn.QueryRow(t.Context(), query).Scan(&tables); err != nil || tables != 3 {
		t.Errorf("%d of 3 tables are there (%v)", tables, err)
	}
}
