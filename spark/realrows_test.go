//go:build services

package spark_test

import (
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"testing"
	"time"
)

func TestMillionsOfRowsPassInLittleMemory(t *testing.T) {
	const limit = 100 << 20
	rows := int64(10_000_000)
	if throughProxy != "" {
		rows = 3_000_000 // some 75 MB of data, of which a cut connection loses little
	}
	ctx, session := testContext(t), newSession(t)
	must(0, session.Range(0, rows, 1).CreateOrReplaceTempView(ctx, "numbers"))(t)
	df := must(session.SQL(ctx, "SELECT id, id * 2 AS twice, CAST(id AS STRING) AS text, id % 7 = 0 AS seventh FROM numbers"))(t)
	runtime.GC()
	highest := heapPeak(t)
	next := int64(0)
	start := time.Now()
	for row, err := range df.Rows(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if row.At(0) != next || row.At(1) != 2*next || next%100_000 == 0 && row.At(2) != strconv.FormatInt(next, 10) || row.At(3) != (next%7 == 0) {
			t.Fatalf("row %v, expected %d", row.Values(), next)
		}
		next++
	}
	peak := highest()
	t.Logf("%d rows in %s, heap at most %d MiB", next, time.Since(start).Round(time.Millisecond), peak>>20)
	if next != rows || peak > limit {
		t.Errorf("%d rows with a heap of up to %d MiB, expected %d within %d MiB", next, peak>>20, rows, limit>>20)
	}
}

// heapPeak samples Go's heap, garbage included, every 10 ms; the function it returns ends that and gives the greatest.
func heapPeak(t *testing.T) func() uint64 {
	done := make(chan struct{})
	peak := uint64(0)
	var sampling sync.WaitGroup
	sampling.Go(func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		every := time.NewTicker(10 * time.Millisecond)
		defer every.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-every.C:
			case <-done:
				return
			}
		}
	})
	stop := sync.OnceValue(func() uint64 { close(done); sampling.Wait(); return peak })
	t.Cleanup(func() { stop() })
	return stop
}
